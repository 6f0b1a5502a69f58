#!/usr/bin/env bash
# vLLM with deepseek-ai/DeepSeek-V3 (FP8 (E4M3), scale per channel or block) on 16 GPUs of 2 machines for 50 users (8.8 requests in flight on average, 14 at peak): first token after 124 ms, then 58 tokens/s each.
# Runs this machine's part of an engine that spans 2 machines, in the foreground, until it is stopped:
#   nodes/node.sh NUMBER            NUMBER: this machine's place in ADVISOR_NODES of nodes/nodes.env, from 0
#   (ADVISOR_NODES_FILE names another file than nodes/nodes.env.)
#   nodes/node.sh NUMBER --follow   for units: wait for the first machine, and for its return when it goes
# The first machine of a group (rank 0) has the API and the gateway; the others only compute. Stop the first one: it lets
# requests in flight finish, and the others end when it is gone. Written by advisor from plan.json.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
size=2
grace=65 # seconds for requests in flight at stop
settings=${ADVISOR_NODES_FILE:-$here/nodes.env}

say() { printf 'node %s: %s\n' "${number:-?}" "$*" >&2; }
fail() {
  say "$*"
  exit 2
}

number=${1:-}
follow=${2:-}
case $number in
  '' | *[!0-9]*) fail "which machine is this? nodes/node.sh 0 on the first, 1 on the second, ..." ;;
esac
case $follow in '' | --follow) ;; *) fail "unknown argument $follow; accepted is --follow" ;; esac

# The plan's variables first, so that .env and nodes.env may say otherwise for this machine.
export VLLM_NO_USAGE_STATS=1
export VLLM_ENGINE_READY_TIMEOUT_S=28860
for file in "$here/../.env" "$here/../engine.env" "$settings"; do
  [ -r "$file" ] || continue
  set -a
  # shellcheck source=/dev/null
  . "$file"
  set +a
done

unset ADVISOR_API_KEY ADVISOR_API_KEY_NEXT # the gateway's alone

read -r -a addresses <<<"${ADVISOR_NODES:-}"
[ "${#addresses[@]}" -eq 2 ] || fail "ADVISOR_NODES in $settings must name 2 addresses, it names ${#addresses[@]}"
[ "$number" -lt 2 ] || fail "there are 2 machines: 0 to 1"
address=${addresses[number]}
rank=$((number % size))
first=$((number - rank))
master=${addresses[first]}
port=${ADVISOR_MASTER_PORT:-29501}

interface=${ADVISOR_NODE_INTERFACE:-}
if [ -z "$interface" ]; then
  command -v ip >/dev/null || fail "set ADVISOR_NODE_INTERFACE in $settings: there is no 'ip' to find the interface of $address"
  interface=$(ip -o addr show to "$address" | awk '{print $2; exit}')
  [ -n "$interface" ] || fail "$address is no address of this machine: check NUMBER and ADVISOR_NODES"
fi
command -v vllm >/dev/null || fail "vllm is not installed: pip install vllm==0.33.0 in an environment of its own"

# Between the machines: one address and one interface, or the engine may take another network.
export VLLM_HOST_IP=$address GLOO_SOCKET_IFNAME=$interface NCCL_SOCKET_IFNAME=$interface

command=(
  vllm serve
  deepseek-ai/DeepSeek-V3
  --served-model-name
  deepseek-v3
  --tensor-parallel-size
  8
  --pipeline-parallel-size
  2
  --nnodes
  2
  --max-model-len
  8192
  --max-num-seqs
  24
  --max-num-batched-tokens
  8192
  --gpu-memory-utilization
  0.92
  --kv-cache-dtype
  auto
  --enable-prefix-caching
  --enable-auto-tool-choice
  --tool-call-parser
  deepseek_v3
  --reasoning-parser
  deepseek_v3
  --max-num-queued-reqs
  40
  --shutdown-timeout
  60
  --host
  127.0.0.1
  --port
  8000
  --node-rank "$rank" --master-addr "$master" --master-port "$port"
)
[ "$rank" -eq 0 ] || command+=(--headless)

# A finished process that nobody has collected yet counts as gone.
alive() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  [ "${stat:0:1}" != Z ]
}
group_alive() {
  local stat words
  for stat in /proc/[0-9]*/stat; do
    stat=$(cat "$stat" 2>/dev/null) || continue
    read -r -a words <<<"${stat##*) }"
    [ "${words[2]}" != "$1" ] || [ "${words[0]}" = Z ] || return 0
  done
  return 1
}

# Whether a connection through the group's port stands, to (workers) or from (the first machine) that address: 0 yes, 1 there
# is none, 2 the other side has closed it.
connected() {
  local parts hex
  IFS=. read -r -a parts <<<"$1"
  [ "${#parts[@]}" -eq 4 ] || return 0 # IPv6: not looked at
  hex=$(printf '%02X%02X%02X%02X' "${parts[3]}" "${parts[2]}" "${parts[1]}" "${parts[0]}")
  { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true; } | awk -v address="$hex" -v port="$(printf '%04X' "$port")" -v rank="$rank" '
    $4 == "01" || $4 == "08" {
      split($2, own, ":"); split($3, other, ":")
      gate = rank == 0 ? own[2] : other[2]
      if (gate == port && substr(other[1], length(other[1]) - 7) == address) found[$4] = 1
    }
    END { exit ("01" in found) ? 0 : ("08" in found) ? 2 : 1 }'
}
reachable() { timeout 3 bash -c "exec 3<>/dev/tcp/$master/$port" 2>/dev/null; }
others() {
  if [ "$rank" -ne 0 ]; then
    printf '%s\n' "$master"
  else
    printf '%s\n' "${addresses[@]:first + 1:size - 1}"
  fi
}

engine=
# $1: seconds before the signal that nobody can ignore
end() {
  [ -n "$engine" ] || return 0
  local began=$SECONDS
  kill -TERM "$engine" 2>/dev/null || true
  while alive "$engine" && [ $((SECONDS - began)) -lt "$1" ]; do sleep 0.5; done
  # Workers outlive the process that started them, and a headless one does not end at SIGTERM.
  if group_alive "$engine"; then
    kill -KILL -- "-$engine" 2>/dev/null || true
    while group_alive "$engine"; do sleep 0.2; done
  fi
  wait "$engine" 2>/dev/null || true
  engine=
}
patience() { if [ "$rank" -eq 0 ]; then echo "$grace"; else echo 3; fi; }
stop() {
  trap '' TERM INT HUP
  say "stopping$([ "$rank" -ne 0 ] || printf '; requests in flight get up to 60 s')"
  end "$(patience)"
  say "stopped"
  exit 0
}
trap stop TERM INT HUP
pause() {
  sleep "$1" &
  wait $! || true
}

# Says when the rest of the group is lost: who was connected and no longer is, or cannot be reached.
declare -A seen=() missing=()
lost=
watch_others() {
  local other state
  for other in $(others); do
    state=0
    connected "$other" || state=$?
    if [ "$state" -eq 0 ]; then
      seen[$other]=1 missing[$other]=0
    elif [ "$state" -eq 2 ] || [ -n "${seen[$other]:-}" ]; then
      missing[$other]=$((${missing[$other]:-0} + 1))
      [ "${missing[$other]}" -lt 3 ] || lost=$other
    fi
  done
}
silent=0
watch_network() { # a machine without power closes no connection; one that went early was never connected
  [ "$rank" -ne 0 ] && [ -n "${seen[$master]:-}$follow" ] || return 0
  if reachable; then silent=0; else silent=$((silent + 1)); fi
  [ "$silent" -lt 3 ] || lost=$master
}

while true; do
  if [ -n "$follow" ] && [ "$rank" -ne 0 ]; then
    say "waiting for $master:$port"
    until reachable; do pause 3; done
  fi
  say "rank $rank of $size at $address ($interface), first machine $master:$port"
  set -m # a process group of its own, so that all of it can be ended and nothing else
  "${command[@]}" </dev/null &
  engine=$!
  set +m
  seen=() missing=() lost='' silent=0 turn=0
  while alive "$engine" && [ -z "$lost" ]; do
    pause 1
    watch_others
    turn=$((turn + 1))
    [ $((turn % 10)) -ne 0 ] || watch_network
  done
  if [ -z "$lost" ]; then
    status=0
    wait "$engine" || status=$?
    trap '' TERM INT HUP
    end 0
    say "the engine ended by itself (status $status)"
    exit 1
  fi
  if [ "$rank" -eq 0 ]; then
    say "$lost is gone and its layers with it: ending the engine"
    trap '' TERM INT HUP
    end 3
    exit 1
  fi
  say "the first machine's engine is gone: ending this part"
  end 3
  [ -n "$follow" ] || exit 0
done
