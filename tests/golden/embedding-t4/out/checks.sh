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
  look kernel 'The kernel lends memory before it is used, and lets a process map many regions' 'sudo sysctl -w vm.overcommit_memory=0 vm.max_map_count=65530, and into /etc/sysctl.d' \
    'sysctl -n vm.overcommit_memory vm.max_map_count && [ "$(sysctl -n vm.overcommit_memory)" -ne 2 ] && [ "$(sysctl -n vm.max_map_count)" -ge 65530 ]'
  look port 'Port 8000 is free for the engine' 'stop what listens there (`ss -ltnp '"'"'sport = :8000'"'"'`)' \
    'if (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null; then echo busy; exit 1; fi; echo free'
  look disk-volumes 'There is room where models lie: weights 1.1 GB, image about 10.7 GB, caches about 2.1 GB' 'free space, or set ADVISOR_MODELS in .env to a folder on a larger disk' \
    'folder=$(sed -n "s/^ADVISOR_MODELS=[\"'"'"'-]*//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); folder=${folder:-$(docker info --format '"'"'{{.DockerRootDir}}'"'"' 2>/dev/null || echo /var/lib/docker)}; while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done; found=$(df -Pk "$folder" | awk '"'"'NR==2 {print $4}'"'"') && echo "$found" && [ "$found" -ge 13691808 ]'
  look models-owner 'A folder that ADVISOR_MODELS names in .env is root'"'"'s (of rootless Docker: yours), or writable for everybody' 'sudo chown -R 0:0 the folder that ADVISOR_MODELS names (of rootless Docker: to yourself)' \
    'folder=$(sed -n "s/^ADVISOR_MODELS=[\"'"'"'-]*//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); [ -z "$folder" ] || [ ! -e "$folder" ] || [ "$(stat -c %u "$folder")" = "$(docker info --format "{{.SecurityOptions}}" 2>/dev/null | grep -q rootless && id -u || echo 0)" ] || [ -n "$(find "$folder" -maxdepth 0 -perm -o+w)" ]'
  look driver 'vLLM 0.33.0 needs NVIDIA driver 580 or newer' 'update the driver, then restart the machine' \
    'found=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1) && echo "$found" && printf '"'"'%s\n'"'"' 580 "$found" | sort -V -C'
  look capability 'vLLM 0.33.0 with 16-bit float weights needs compute capability 7.5 or higher' 'this card cannot run it: plan again' \
    'found=$(nvidia-smi -i 0 --query-gpu=compute_cap --format=csv,noheader | sort -V | head -n 1) && echo "$found" && printf '"'"'%s\n'"'"' 7.5 "$found" | sort -V -C'
  look gpu-0 'GPU 0 is a Tesla T4' 'the cards were exchanged or renumbered: run `advisor recommend` again here' \
    'nvidia-smi -i 0 --query-gpu=name --format=csv,noheader | grep -F '"'"'Tesla T4'"'"''
  look gpu-0-free '2.2 GiB of GPU 0 will be asked for' 'end what holds the memory (`nvidia-smi` lists it), or plan again with it running' \
    'found=$(nvidia-smi -i 0 --query-gpu=memory.free --format=csv,noheader,nounits) && echo "$found" && [ "$found" -ge 2304 ]'
  look compose 'Docker Compose 2.24 or newer reads compose.yaml' 'install the Compose plugin of your distribution, or: advisor render plan.json --run native' \
    'found=$(docker compose version --short | sed '"'"'s/^v//'"'"') && echo "$found" && printf '"'"'%s\n'"'"' 2.24 "$found" | sort -V -C'
  look docker 'Docker 28.3.3 or newer keeps published loopback ports on this machine' 'update Docker, or let a firewall drop what comes from outside for the engine'"'"'s port' \
    'found=$(docker version --format '"'"'{{.Server.Version}}'"'"') && echo "$found" && printf '"'"'%s\n'"'"' 28.3.3 "$found" | sort -V -C'
  look container-gpu 'Containers reach the GPU through the NVIDIA container toolkit' 'install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker' \
    'nvidia-ctk --version && docker info --format '"'"'{{json .Runtimes}} {{json .CDISpecDirs}}'"'"' | grep -E '"'"'nvidia|/cdi'"'"''
  look container-gpu-lasts 'Containers keep the GPU when systemd reloads its units' 'sudo nvidia-ctk system create-dev-char-symlinks --create-all, at every boot (a udev rule or a unit)' \
    '[ -e /dev/dxg ] || [ "$(docker info --format '"'"'{{.CgroupDriver}}'"'"')" = cgroupfs ] || find /dev/char -lname '"'"'*nvidia*'"'"' | grep -m 1 .'
  look image 'The image vllm/vllm-openai:v0.33.0 is here or can be pulled' 'with a network: docker save vllm/vllm-openai:v0.33.0 > image.tar; here: docker load < image.tar' \
    'docker image inspect --format '"'"'{{.Id}}'"'"' vllm/vllm-openai:v0.33.0 2>/dev/null || docker manifest inspect vllm/vllm-openai:v0.33.0 >/dev/null'
  look image-gateway 'The image caddy:2.11.9 is here or can be pulled' 'with a network: docker save caddy:2.11.9 > image.tar; here: docker load < image.tar' \
    'docker image inspect --format '"'"'{{.Id}}'"'"' caddy:2.11.9 2>/dev/null || docker manifest inspect caddy:2.11.9 >/dev/null'
  look files 'The files are as advisor wrote them' 'advisor render plan.json --out . --force (keeps what you changed as .bak-N)' \
    'ls plan.json compose.yaml >/dev/null && awk '"'"'NR == FNR {here[$0]; next} substr($0, 67) in here'"'"' <(find . -type f) <(sed -nE '"'"'s/^ *"([^"]+)": "([0-9a-f]{64})",?$/\2  .\/\1/p'"'"' .advisor-manifest.json) | sha256sum --check --quiet'
  look env-file 'Only you can read .env, and what lies beside it for one service alone' 'chmod 600 .env *.env' \
    'for file in .env engine.env grafana.env; do [ ! -e "$file" ] || [ "$(ls -lL "$file" | cut -c5-10)" = ------ ] || { ls -lL "$file"; exit 1; }; done'
  look key 'Others come through the gateway, so a key of at least 16 characters is set' 'umask 077; printf "ADVISOR_API_KEY=%s\n" "$(openssl rand -hex 24)" >>.env' \
    '[ ! -e .env ] || grep -Eq '"'"'^ADVISOR_API_KEY=.{16,}'"'"' .env'
  look gateway-port 'Ports 8080 and 9180 are free for the gateway' 'stop what listens there, or set ADVISOR_PORT in .env' \
    'front=$(sed -n '"'"'s/^ADVISOR_PORT=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); for port in ${front:-8080} 9180; do if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then echo busy; exit 1; fi; done; echo free'
  ;;
after)
  :
  look load-test 'The planned load was driven on this machine, and met its targets' 'advisor smoke . (starts, drives and stops it; minutes)' \
    '[ -f smoke/report.json ] || { echo no smoke/report.json; exit 1; }; [ -n "$(find smoke/report.json -mtime -30)" ] || { echo older than 30 days; exit 1; }; grep -q '"'"'"result": "pass"'"'"' smoke/report.json && ! grep '"'"'"result": "fail"'"'"' smoke/report.json'
  look after-health 'After the start: the server is healthy' 'read the log: docker compose logs engine' \
    'curl -fsS -o /dev/null http://127.0.0.1:8000/health'
  look after-model 'After the start: the model is served as bge-m3' 'the log names the model that was loaded' \
    'curl -fsS http://127.0.0.1:8000/v1/models | grep -F bge-m3'
  look after-kv 'After the start: about 2,048 tokens of KV cache were planned' 'other programs hold memory, or its buffers are larger here; plan with what it says' \
    'kv=$({ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; } | grep -o '"'"'[CG]PU KV cache size: [0-9,]* tokens'"'"' | tail -n 1 | tr -dc 0-9); echo "$kv" && [ "$kv" -ge 1843 ]'
  look after-gateway 'After the start: the gateway reaches the engine' 'docker compose logs gateway says why' \
    'host=$(sed -n '"'"'s/^ADVISOR_BIND=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); port=$(sed -n '"'"'s/^ADVISOR_PORT=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); name=$(sed -n '"'"'s/^ADVISOR_HOSTNAME=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); [ -n "$host" ] && [ "$host" != 0.0.0.0 ] || host=127.0.0.1; base="http://$host:${port:-8080}"; [ -z "$name" ] || base="https://$name:${port:-8080}"; curl -fsS "$base/healthz"'
  look after-key 'After the start: the key lets in, and without it nobody comes in' 'the key in .env is shorter than 16 characters, or was changed without a restart' \
    'host=$(sed -n '"'"'s/^ADVISOR_BIND=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); port=$(sed -n '"'"'s/^ADVISOR_PORT=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); name=$(sed -n '"'"'s/^ADVISOR_HOSTNAME=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); [ -n "$host" ] && [ "$host" != 0.0.0.0 ] || host=127.0.0.1; base="http://$host:${port:-8080}"; [ -z "$name" ] || base="https://$name:${port:-8080}"; ADVISOR_API_KEY=$(sed -n '"'"'s/^ADVISOR_API_KEY=//p'"'"' .env 2>/dev/null | tail -n 1 | tr -d "\"'"'"'"); [ "$(curl -s -o /dev/null -w '"'"'%{http_code}\n'"'"' "$base/v1/models")" = 401 ] && curl -s -o /dev/null -w '"'"'%{http_code}\n'"'"' -f -K <(printf '"'"'header = "Authorization: Bearer %s"'"'"' "${ADVISOR_API_KEY:-}") "$base/v1/models"'
  look after-monitoring 'After the start: Prometheus reaches everything it watches' 'http://127.0.0.1:9090/targets says what it cannot reach (docker compose --profile monitoring up --detach)' \
    'curl -fsS '"'"'http://127.0.0.1:9090/api/v1/query?query=min(up)'"'"' | grep -o '"'"'"1"'"'"''
  ;;
*)
  printf 'checks.sh: before or after\n' >&2
  exit 2
  ;;
esac
exit "$failed"
