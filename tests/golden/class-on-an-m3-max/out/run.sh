#!/usr/bin/env bash
# Ollama with meta-llama/Llama-3.1-8B-Instruct (GGUF Q8_0) on 1 GPU for 30 users (12 requests in flight on average, 16 at peak): first token after 448 ms, then 7.2 tokens/s each; may miss the time per output token, up to 202 ms at the 95th percentile with a target of 150 ms.
# Starts the engine on this machine without containers, waits until it answers, and leaves it running.
# Log and process id lie in ./state; ./stop.sh stops what this started. Written by advisor from plan.json.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=$here/state
engine=engine port=11434 stop=("$here/stop.sh")
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

for program in ollama curl ps; do
  command -v "$program" >/dev/null || fail "$program is not installed: https://ollama.com/download (version 0.34.2)"
done
running=
if ours "$engine"; then
  say "already running (process $(cat "$state/$engine.pid")): $base/v1"
  exit 0
fi
if [ -z "$running" ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  fail "port $port is taken: stop what listens there"
fi

# What is installed has to take what was planned; the package tells it sooner than the program.
found=$($(command -v timeout >/dev/null && echo timeout 20) ollama --version 2>&1 </dev/null | grep -oE '[0-9]+([.][0-9]+)+[A-Za-z0-9.+_-]*' | tail -n 1) || true
if [ -z "$found" ]; then
  say "the version of ollama does not show; planned for 0.34.2"
elif ! printf '%s\n' 0.32.15 "$(printf %s "$found" | sed -E 's/[+].*//; s/[.-]?(dev|rc|a|b)([0-9])/~\1\2/')" | sort -V -C; then
  fail "Ollama $found is installed, the plan needs 0.32.15 or later (made for 0.34.2): https://ollama.com/download (version 0.34.2), or plan for it: advisor recommend --engine-version ollama=$found"
elif [ "${found%%+*}" != 0.34.2 ]; then
  say "Ollama $found is here, the plan was made for 0.34.2: it takes the same settings"
fi

export OLLAMA_NUM_PARALLEL=30
export OLLAMA_CONTEXT_LENGTH=4096
export OLLAMA_MAX_QUEUE=64
export OLLAMA_MAX_LOADED_MODELS=1
export OLLAMA_KV_CACHE_TYPE=f16
export OLLAMA_FLASH_ATTENTION=1
export OLLAMA_KEEP_ALIVE=-1
export LLAMA_ARG_FIT_TARGET=1024
export OLLAMA_HOST=127.0.0.1:$port
export OLLAMA_NO_CLOUD=1
command=(
  ollama serve
)

# Waits until the engine answers; ends all of it where it does not.
await_engine() {
  local told=0
  SECONDS=0
  until curl -fsS -m 5 -o /dev/null "$base"/api/version 2>/dev/null; do
    if ! alive "$pid"; then
      last 20 "$log"
      rm -f "$state/$engine.pid" "$state/$engine.started"
      fail "the engine ended; its last lines are above, all of them in $log"
    fi
    if [ "$SECONDS" -ge 120 ]; then
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
  say "started process $pid, log in $log; waiting up to 120 s"
  await_engine
}

mkdir -p "$state"
if [ -z "$running" ]; then
  start_engine
fi

# The client below talks to this server, wherever it was told to listen.
name=llama-3.1-8b-instruct
tag=llama3.1:8b-instruct-q8_0
if ! ollama show "$tag" >/dev/null 2>&1; then
  say "fetching $tag"
  ollama pull "$tag" || fail "$tag could not be fetched; the server keeps running (./stop.sh stops it)"
  ollama list "$tag" | tee -a "$log"
fi
# A name that was not there before is taken away again by ./stop.sh --purge.
if ! ollama show "$name" >/dev/null 2>&1; then
  printf '%s\n' "$OLLAMA_HOST" "$name" >"$state/undo"
fi
# Their progress is drawn for a terminal: it goes to the log.
if ! ollama create "$name" -f "$here/Modelfile" >>"$log" 2>&1; then
  last 5 "$log"
  fail "$name could not be made from Modelfile; the server keeps running (./stop.sh stops it)"
fi
say "loading $name"
if ! ollama run "$name" "" </dev/null >>"$log" 2>&1; then
  last 5 "$log"
  fail "$name could not be loaded; the server keeps running (./stop.sh stops it)"
fi

trap - INT TERM
say "ready: $base/v1, model "llama-3.1-8b-instruct
