#!/usr/bin/env bash
# Stops what run.sh started, and nothing else. Written by advisor from plan.json.
#   ./stop.sh            stop; logs and certificates stay in ./state
#   ./stop.sh --purge    and remove what run.sh made; downloaded weights and .env stay
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=$here/state

say() { printf '%s\n' "$*" >&2; }
purge='' only=''
case "$*" in
'') ;;
--purge) purge=1 ;;
*)
  say "stop.sh: nothing, or --purge"
  exit 2
  ;;
esac
# All else lies in ./state.
finish() {
  if [ -n "$purge" ]; then
    rm -rf "$state"
    say "removed $state"
  fi
}
alive() {
  case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
}
# The whole process group: some workers outlive their leader.
group_alive() {
  ps -A -o pgid=,stat= | awk -v group="$1" '$1 == group && $2 !~ /^Z/ {found = 1} END {exit !found}'
}

# end NAME PATIENCE WORDS: TERM to the leader alone, so that it lets requests in flight finish; then what is left of its group.
end() {
  local name=$1 patience=$2 words=$3 pid signal
  pid=$(cat "$state/$name.pid")
  # Anything but the number of a process of ours would be somebody else's.
  [[ $pid =~ ^[1-9][0-9]+$ ]] || {
    say "$state/$name.pid holds no number of a process: left alone"
    rm -f "$state/$name.pid" "$state/$name.started"
    return 0
  }
  if alive "$pid" && [ "$(LC_ALL=C ps -o lstart= -p "$pid")" != "$(cat "$state/$name.started" 2>/dev/null)" ]; then
    say "process $pid is another program by now: left alone"
    rm -f "$state/$name.pid" "$state/$name.started"
    return 0
  fi
  if alive "$pid"; then
    say "stopping the $name (process $pid); $words"
    kill -TERM "$pid" 2>/dev/null || true
    SECONDS=0
    while alive "$pid" && [ "$SECONDS" -lt "$patience" ]; do
      sleep 0.5
    done
  fi
  for signal in TERM KILL; do
    group_alive "$pid" || break
    kill "-$signal" -- "-$pid" 2>/dev/null || true
    SECONDS=0
    while group_alive "$pid" && [ "$SECONDS" -lt 10 ]; do
      sleep 0.5
    done
  done
  if group_alive "$pid"; then
    say "process group $pid does not end"
    exit 1
  fi
  rm -f "$state/$name.pid" "$state/$name.started"
}

if ! compgen -G "$state/*.pid" >/dev/null; then
  say "nothing to stop: run.sh has started nothing here"
  finish
  exit 0
fi
# The gateway first: it takes nothing new and passes on what is in flight, while the engine still works.
[ -n "$only" ] || [ ! -f "$state/gateway.pid" ] || end gateway 75 "requests in flight get up to 60 s"
[ ! -f "$state/engine.pid" ] || [ "${only:-engine}" != engine ] || end engine 75 "requests in flight get up to 60 s"
say "stopped"
finish
