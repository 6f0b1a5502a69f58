#!/usr/bin/env bash
# The lines of CHECKLIST.md that a command can see, on a machine without advisor; changes nothing. Written by advisor.
#   ./checks.sh          before the start
#   ./checks.sh after    after it
# shellcheck disable=SC2016 # each command is expanded by the bash that runs it
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 3

failed=0
# look ID FACT OTHERWISE COMMAND
look() {
  local seen
  if seen=$(timeout 60 bash --noprofile --norc -c "$4" 2>&1 </dev/null | cat -v); then
    printf '  ok  %s: %s\n' "$1" "$2"
  else
    printf 'FAIL  %s: %s\n      saw: %s\n      otherwise: %s\n' "$1" "$2" "${seen:-nothing}" "$3"
    failed=1
  fi
}

case ${1:-before} in
before)
  look system 'The plan was made for Darwin on aarch64' 'plan on the machine that will run it, or with --hardware from its `advisor probe`' \
    'found=$(uname -sm); echo "$found"; case $found in '"'"'Darwin aarch64'"'"'|'"'"'Darwin arm64'"'"') ;; *) false ;; esac'
  look clock 'The clock is right' 'sudo sntp -sS time.apple.com' \
    '[ -z "$(find plan.json -newermt '"'"'5 minutes'"'"')" ]'
  look memory 'The engine needs about 27.5 GiB of the host'"'"'s memory' 'end other programs, or plan a smaller model or context' \
    'found=$(echo $(( $(sysctl -n hw.memsize) / 1048576 ))) && echo "$found" && [ "$found" -ge 28128 ]'
  look port 'Port 11434 is free for the engine' 'stop what listens there (`lsof -nP -iTCP:11434 -sTCP:LISTEN`)' \
    'if (exec 3<>/dev/tcp/127.0.0.1/11434) 2>/dev/null; then echo busy; exit 1; fi; echo free'
  look engine-present 'Ollama is installed' 'https://ollama.com/download (version 0.34.2)' \
    'command -v ollama'
  look engine-version 'The plan was made for Ollama 0.34.2; 0.32.15 takes all of it too' 'https://ollama.com/download (version 0.34.2); or plan for the version that is here: --engine-version ollama=VERSION' \
    'found=$($(command -v timeout >/dev/null && echo timeout 20) ollama --version 2>&1 </dev/null | grep -oE '"'"'[0-9]+([.][0-9]+)+[A-Za-z0-9.+_-]*'"'"' | tail -n 1); echo "$found"; [ -n "$found" ] && printf '"'"'%s\n'"'"' 0.32.15 "$(printf %s "$found" | sed -E '"'"'s/[+].*//; s/[.-]?(dev|rc|a|b)([0-9])/~\1\2/'"'"')" | sort -V -C'
  look disk 'There is room where models lie: weights 8.5 GB, caches about 2.1 GB' 'free space, or set OLLAMA_MODELS in .env to a folder on a larger disk' \
    'folder=$(sed -n "s/^OLLAMA_MODELS=[\"'"'"'-]*//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); folder=${folder:-${OLLAMA_MODELS:-$HOME/.ollama/models}}; while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done; found=$(df -Pk "$folder" | awk '"'"'NR==2 {print $4}'"'"') && echo "$found" && [ "$found" -ge 10435357 ]'
  look files 'The files are as advisor wrote them' 'advisor render plan.json --out . --force (keeps what you changed as .bak-N)' \
    'ls plan.json run.sh stop.sh >/dev/null && awk '"'"'NR == FNR {here[$0]; next} substr($0, 67) in here'"'"' <(find . -type f) <(sed -nE '"'"'s/^ *"([^"]+)": "([0-9a-f]{64})",?$/\2  .\/\1/p'"'"' .advisor-manifest.json) | shasum -a 256 --check --quiet'
  look env-file 'Only you can read .env, and what lies beside it for one service alone' 'chmod 600 .env *.env' \
    'for file in .env engine.env grafana.env; do [ ! -e "$file" ] || [ "$(ls -lL "$file" | cut -c5-10)" = ------ ] || { ls -lL "$file"; exit 1; }; done'
  look model-access 'The library has llama3.1:8b-instruct-q8_0' 'tags move: look it up at https://ollama.com/library and set FROM in Modelfile' \
    'curl -fsS -o /dev/null https://registry.ollama.ai/v2/library/llama3.1/manifests/8b-instruct-q8_0'
  ;;
after)
  :
  look load-test 'The planned load was driven on this machine, and met its targets' 'advisor smoke . (starts, drives and stops it; minutes)' \
    '[ -f smoke/report.json ] || { echo no smoke/report.json; exit 1; }; [ -n "$(find smoke/report.json -mtime -30)" ] || { echo older than 30 days; exit 1; }; grep -q '"'"'"result": "pass"'"'"' smoke/report.json && ! grep '"'"'"result": "fail"'"'"' smoke/report.json'
  look after-model 'After the start: the model is served as llama-3.1-8b-instruct' 'state/engine.log says why; then start again' \
    'curl -fsS http://127.0.0.1:11434/v1/models | grep -F llama-3.1-8b-instruct'
  look after-processor 'After the start: the model is where the plan puts it' 'memory was short when it was loaded: end other programs, or plan a shorter context' \
    'found=$({ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; } | grep -o '"'"'offloaded [0-9]*/[0-9]* layers'"'"' | tail -n 1); echo "$found" && [[ $found =~ ([0-9]+)/([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]'
  look after-slots 'After the start: 30 slot(s) of 4,096 tokens each' 'this model family is served one at a time, or the variable did not reach the server' \
    'slots=$({ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; } | grep -o '"'"'n_slots = [0-9]*'"'"' | tail -n 1 | tr -dc 0-9); echo "$slots" && [ "$slots" -eq 30 ]'
  ;;
*)
  printf 'checks.sh: before or after\n' >&2
  exit 2
  ;;
esac
exit "$failed"
