#!/usr/bin/env bash
# Stops what run.sh started, and nothing else. Written by advisor from plan.json.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=$here/state
patience=15

say() { printf '%s\n' "$*" >&2; }
alive() {
  case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
}
# The whole process group: some workers outlive their leader.
group_alive() {
  ps -A -o pgid=,stat= | awk -v group="$1" '$1 == group && $2 !~ /^Z/ {found = 1} END {exit !found}'
}
forget() { rm -f "$state/engine.pid" "$state/engine.started"; }

if [ ! -f "$state/engine.pid" ]; then
  say "nothing to stop: run.sh has started nothing here"
  exit 0
fi
pid=$(cat "$state/engine.pid")
if alive "$pid" && [ "$(LC_ALL=C ps -o lstart= -p "$pid")" != "$(cat "$state/engine.started" 2>/dev/null)" ]; then
  say "process $pid is another program by now: left alone"
  forget
  exit 0
fi

# Only the leader at first: it lets requests in flight finish before it ends the others.
if alive "$pid"; then
  say "stopping process $pid; requests in flight are cut"
  kill -TERM "$pid" 2>/dev/null || true
  SECONDS=0
  while alive "$pid" && [ "$SECONDS" -lt "$patience" ]; do
    sleep 1
  done
fi
for signal in TERM KILL; do
  group_alive "$pid" || break
  kill "-$signal" -- "-$pid" 2>/dev/null || true
  SECONDS=0
  while group_alive "$pid" && [ "$SECONDS" -lt 10 ]; do
    sleep 1
  done
done
if group_alive "$pid"; then
  say "process group $pid does not end"
  exit 1
fi
forget
say "stopped"
