# Sourced by .ci/run and .ci/nightly: a folder of the run's own, stages with their times, the machine as it was at the end.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
installing="" stage="" begun=0 times=()
export ADVISOR_TOOLS="${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}"
export ADVISOR_ENGINES="${ADVISOR_ENGINES:-$HOME/.cache/advisor-engines}"

# stage NAME: the stage before it ends here, and its time goes into the table.
stage() {
  if [ -n "$stage" ]; then times+=("$((SECONDS - begun)) $stage"); fi
  stage=$1 begun=$SECONDS
  if [ -n "$stage" ]; then printf '== %4d min: %s ==\n' "$((SECONDS / 60))" "$stage"; fi
}

finish() {
  local status=$? last=$stage row
  stage ""
  if [ -n "$installing" ]; then kill -TERM -- "-$installing" 2>/dev/null || true; fi
  bash tests/engines/docker.sh stop || true
  rm -rf "$work"
  printf '%8s  %s\n' seconds stage
  for row in "${times[@]}"; do printf '%8d  %s\n' "${row%% *}" "${row#* }"; done
  printf '%8d  in all\n' "$SECONDS"
  if [ "$status" -ne 0 ]; then printf 'failed in: %s\n' "$last"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# Both engines, two models and container images, in the background while the tools are built and judge.
begin_engines() {
  stage "system packages (apt takes one at a time)"
  bash tests/engines/install.sh packages
  bash tests/engines/docker.sh packages
  set -m  # a process group of its own
  (
    set -e
    bash tests/engines/docker.sh base
    bash tests/engines/install.sh
    bash tests/engines/vllm_sources.sh
    bash tests/engines/docker.sh
  ) >"$work/engines.log" 2>&1 </dev/null &
  installing=$!
  set +m
}

build_tools() {
  stage "the programs that judge our files"
  local part
  for part in tests/tools/*.sh; do bash "$part"; done
}

# The tests' own environment.
environment() {
  stage "the environment of the tests"
  python3 -m venv "$work/dev"
  "$work/dev/bin/pip" install --quiet --require-hashes -r .ci/requirements.txt
  "$work/dev/bin/pip" install --quiet --no-deps -e .
}

wait_for_engines() {
  stage "waiting for the engines"
  while kill -0 "$installing" 2>/dev/null; do
    tail -n 1 "$work/engines.log"
    sleep 15
  done
  wait "$installing" || { installing=""; tail -n 40 "$work/engines.log"; exit 1; }
  installing=""
  tail -n 4 "$work/engines.log"
  bash tests/deploy/images.sh
}
