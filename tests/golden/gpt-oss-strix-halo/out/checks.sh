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
  look system 'The plan was made for Linux on x86_64' 'plan on the machine that will run it, or with --hardware from its `advisor probe`' \
    'found=$(uname -sm); echo "$found"; case $found in '"'"'Linux x86_64'"'"'|'"'"'Linux amd64'"'"') ;; *) false ;; esac'
  look clock 'The clock is right' 'sudo timedatectl set-ntp true' \
    '[ -z "$(find plan.json -newermt '"'"'5 minutes'"'"')" ] && case $(timedatectl show --property=NTPSynchronized --value 2>/dev/null) in no) echo not synchronised; false ;; esac'
  look memory 'The engine needs about 17.6 GiB of the host'"'"'s memory' 'end other programs, or plan a smaller model or context' \
    'found=$(awk '"'"'/^MemAvailable/ {print int($2 / 1024)}'"'"' /proc/meminfo) && echo "$found" && [ "$found" -ge 18067 ]'
  look kernel 'The kernel lends memory before it is used, and lets a process map many regions' 'sudo sysctl -w vm.overcommit_memory=0 vm.max_map_count=65530, and into /etc/sysctl.d' \
    'sysctl -n vm.overcommit_memory vm.max_map_count && [ "$(sysctl -n vm.overcommit_memory)" -ne 2 ] && [ "$(sysctl -n vm.max_map_count)" -ge 65530 ]'
  look port 'Port 11434 is free for the engine' 'stop what listens there (`ss -ltnp '"'"'sport = :11434'"'"'`)' \
    'if (exec 3<>/dev/tcp/127.0.0.1/11434) 2>/dev/null; then echo busy; exit 1; fi; echo free'
  look disk-state 'There is room where models lie: weights 13.8 GB, image about 10.7 GB, caches about 2.1 GB' 'free space, or mount a larger disk at /var/lib' \
    'folder=/var/lib; while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done; found=$(df -Pk "$folder" | awk '"'"'NR==2 {print $4}'"'"') && echo "$found" && [ "$found" -ge 26025353 ]'
  look gpu-nodes 'AMD GPUs are reached through device nodes' 'load the amdgpu driver of ROCm 7, and put this user into the groups video and render' \
    'ls -l /dev/kfd /dev/dri/renderD*'
  look files 'The files are as advisor wrote them' 'advisor render plan.json --out . --force (keeps what you changed as .bak-N)' \
    'ls plan.json >/dev/null && awk '"'"'NR == FNR {here[$0]; next} substr($0, 67) in here'"'"' <(find . -type f) <(sed -nE '"'"'s/^ *"([^"]+)": "([0-9a-f]{64})",?$/\2  .\/\1/p'"'"' .advisor-manifest.json) | sha256sum --check --quiet'
  look env-file 'Only you can read .env, and what lies beside it for one service alone' 'chmod 600 .env *.env' \
    'for file in .env engine.env grafana.env; do [ ! -e "$file" ] || [ "$(ls -lL "$file" | cut -c5-10)" = ------ ] || { ls -lL "$file"; exit 1; }; done'
  look model-access 'The library has gpt-oss:20b' 'tags move: look it up at https://ollama.com/library and set FROM in Modelfile' \
    'curl -fsS -o /dev/null https://registry.ollama.ai/v2/library/gpt-oss/manifests/20b'
  look podman 'Podman 5.0 or newer reads the quadlets' 'use Compose or the systemd units, or a newer distribution (Debian 13 has 5.4)' \
    'found=$(podman version --format '"'"'{{.Client.Version}}'"'"') && echo "$found" && printf '"'"'%s\n'"'"' 5.0 "$found" | sort -V -C'
  look key 'Others come through the gateway, so a key of at least 16 characters is set' 'umask 077; printf "ADVISOR_API_KEY=%s\n" "$(openssl rand -hex 24)" >>.env' \
    '[ ! -e .env ] || grep -Eq '"'"'^ADVISOR_API_KEY=.{16,}'"'"' .env'
  look gateway-port 'Ports 8080 and 9180 are free for the gateway' 'stop what listens there, or set ADVISOR_PORT in .env' \
    'front=$(sed -n '"'"'s/^ADVISOR_PORT=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); for port in ${front:-8080} 9180; do if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then echo busy; exit 1; fi; done; echo free'
  ;;
after)
  :
  look load-test 'The planned load was driven on this machine, and met its targets' 'advisor smoke . (starts, drives and stops it; minutes)' \
    '[ -f smoke/report.json ] || { echo no smoke/report.json; exit 1; }; [ -n "$(find smoke/report.json -mtime -30)" ] || { echo older than 30 days; exit 1; }; grep -q '"'"'"result": "pass"'"'"' smoke/report.json && ! grep '"'"'"result": "fail"'"'"' smoke/report.json'
  look after-model 'After the start: the model is served as gpt-oss-20b' 'journalctl -u gpt-oss-20b-model says why; then start again' \
    'curl -fsS http://127.0.0.1:11434/v1/models | grep -F gpt-oss-20b'
  look after-processor 'After the start: the model is where the plan puts it' 'memory was short when it was loaded: end other programs, or plan a shorter context' \
    'found=$({ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; } | grep -o '"'"'offloaded [0-9]*/[0-9]* layers'"'"' | tail -n 1); echo "$found" && [[ $found =~ ([0-9]+)/([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]'
  look after-slots 'After the start: 3 slot(s) of 8,192 tokens each' 'this model family is served one at a time, or the variable did not reach the server' \
    'slots=$({ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; } | grep -o '"'"'n_slots = [0-9]*'"'"' | tail -n 1 | tr -dc 0-9); echo "$slots" && [ "$slots" -eq 3 ]'
  look after-gateway 'After the start: the gateway reaches the engine' 'journalctl -u gpt-oss-20b-gateway says why' \
    'host=$(sed -n '"'"'s/^ADVISOR_BIND=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); port=$(sed -n '"'"'s/^ADVISOR_PORT=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); name=$(sed -n '"'"'s/^ADVISOR_HOSTNAME=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); [ -n "$host" ] && [ "$host" != 0.0.0.0 ] || host=127.0.0.1; base="http://$host:${port:-8080}"; [ -z "$name" ] || base="https://$name:${port:-8080}"; curl -fsS "$base/healthz"'
  look after-key 'After the start: the key lets in, and without it nobody comes in' 'the key in .env is shorter than 16 characters, or was changed without a restart' \
    'host=$(sed -n '"'"'s/^ADVISOR_BIND=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); port=$(sed -n '"'"'s/^ADVISOR_PORT=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); name=$(sed -n '"'"'s/^ADVISOR_HOSTNAME=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); [ -n "$host" ] && [ "$host" != 0.0.0.0 ] || host=127.0.0.1; base="http://$host:${port:-8080}"; [ -z "$name" ] || base="https://$name:${port:-8080}"; ADVISOR_API_KEY=$(sed -n '"'"'s/^ADVISOR_API_KEY=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); [ "$(curl -s -o /dev/null -w '"'"'%{http_code}\n'"'"' "$base/v1/models")" = 401 ] && curl -s -o /dev/null -w '"'"'%{http_code}\n'"'"' -f -K <(printf '"'"'header = "Authorization: Bearer %s"'"'"' "${ADVISOR_API_KEY:-}") "$base/v1/models"'
  look after-monitoring 'After the start: Prometheus reaches everything it watches' 'http://127.0.0.1:9090/targets says what it cannot reach (prometheus --config.file=monitoring/prometheus.native.yml)' \
    'curl -fsS '"'"'http://127.0.0.1:9090/api/v1/query?query=min(up)'"'"' | grep -o '"'"'"1"'"'"''
  ;;
*)
  printf 'checks.sh: before or after\n' >&2
  exit 2
  ;;
esac
exit "$failed"
