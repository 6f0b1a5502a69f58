#!/usr/bin/env bash
# vLLM with meta-llama/Llama-3.3-70B-Instruct (AWQ, 4 bit, group 128) on 2 GPUs for 1 user (0.4 requests in flight on average, 1 at peak): first token after 2.7 s, then 30 tokens/s each.
# Starts the engine on this machine without containers, waits until it answers, and leaves it running.
# Log and process id lie in ./state; ./stop.sh stops what this started. Written by advisor from plan.json.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=$here/state
log=$state/engine.log
base=http://127.0.0.1:8000

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "run.sh: $*"
  exit 1
}
# A finished process that nobody has collected yet counts as gone.
alive() {
  case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
}

for file in .env engine.env; do
  [ -f "$here/$file" ] || continue
  set -a
  # shellcheck source=/dev/null
  . "$here/$file"
  set +a
done

for program in vllm curl ps; do
  command -v "$program" >/dev/null || fail "$program is not installed: pip install vllm==0.33.0 in an environment of its own"
done
if [ -f "$state/engine.pid" ] && alive "$(cat "$state/engine.pid")"; then
  say "already running (process $(cat "$state/engine.pid")): $base/v1"
  exit 0
fi
if (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null; then
  fail "port 8000 is taken: stop what listens there"
fi

export VLLM_NO_USAGE_STATS=1
export VLLM_ENGINE_READY_TIMEOUT_S=2220
command=(
  vllm serve
  casperhansen/llama-3.3-70b-instruct-awq
  --served-model-name
  llama-3.3-70b-instruct
  --tensor-parallel-size
  2
  --max-model-len
  4096
  --max-num-seqs
  2
  --max-num-batched-tokens
  2048
  --gpu-memory-utilization
  0.92
  --kv-cache-dtype
  auto
  --enable-prefix-caching
  --max-num-queued-reqs
  18
  --shutdown-timeout
  60
  --host
  127.0.0.1
  --port
  8000
)

mkdir -p "$state"
# In a process group of its own, so that stop.sh ends all of it and nothing else.
set -m
nohup "${command[@]}" >"$log" 2>&1 </dev/null &
pid=$!
set +m
printf '%s\n' "$pid" >"$state/engine.pid"
LC_ALL=C ps -o lstart= -p "$pid" >"$state/engine.started" || true
trap 'say "interrupted: stopping"; "$here/stop.sh"; exit 130' INT TERM

say "started process $pid, log in $log; waiting up to 2220 s"
SECONDS=0
told=0
until curl -fsS -m 5 -o /dev/null "$base"/health 2>/dev/null; do
  if ! alive "$pid"; then
    tail -n 20 "$log" >&2 || true
    rm -f "$state/engine.pid" "$state/engine.started"
    fail "the engine ended; its last lines are above"
  fi
  if [ "$SECONDS" -ge 2220 ]; then
    "$here/stop.sh"
    fail "not healthy after $SECONDS s; see $log"
  fi
  if [ $((SECONDS - told)) -ge 20 ]; then
    told=$SECONDS
    say "  $SECONDS s: $(tail -n 1 "$log" | cut -c1-120)"
  fi
  sleep 1
done

trap - INT TERM
say "ready: $base/v1, model "llama-3.3-70b-instruct
