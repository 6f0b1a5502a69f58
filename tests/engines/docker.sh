#!/usr/bin/env bash
# Containers for the engine tests: a Docker daemon of its own (socket, data and network apart from any other), and
# local images that stand in for the official ones, with their entrypoints.
#   tests/engines/docker.sh         installs what is missing, makes the images, starts the daemon
#   tests/engines/docker.sh stop    ends the daemon; the images stay
#   tests/engines/docker.sh packages | base    only what apt has to install; all that needs no engine
#   . "$ADVISOR_ENGINES/docker.env" afterwards: DOCKER_HOST and the names of the images
# Safe to run again. As root on Debian. Needs what tests/engines/install.sh installs for the images; 500 MB of disk.
set -euo pipefail

SUITE=bookworm
PACKAGES=python3,curl,ca-certificates,libgomp1,libnuma1,g++,libc6-dev  # torch compiles while vLLM starts

ENGINES=${ADVISOR_ENGINES:-"$HOME/.cache/advisor-engines"}
RUN=${ADVISOR_DOCKER_RUN:-/run/advisor-docker}  # short: a socket's path has at most 107 characters
HOME_DIR=$ENGINES/docker
SOCKET=$RUN/docker.sock
BASE=advisor-tests/base:$SUITE-1
VLLM=advisor-tests/vllm:1 OLLAMA=advisor-tests/ollama
started=$(date +%s)

say() { printf '[docker %4ds] %s\n' "$(($(date +%s) - started))" "$*" >&2; }
die() { say "$*"; exit 3; }
# Without BuildKit, which Debian does not package; the notice about that is not news.
docker() { DOCKER_BUILDKIT=0 command docker -H "unix://$SOCKET" "$@"; }
build() { docker build -q -t "$1" - 2>"$HOME_DIR/build.log" >/dev/null || { cat "$HOME_DIR/build.log" >&2; die "image $1"; }; }
answers() { docker version >/dev/null 2>&1; }
there() { docker image inspect "$1" >/dev/null 2>&1; }

prerequisites() {
  local packages=() program
  command -v dockerd >/dev/null && command -v docker >/dev/null || packages+=(docker.io)
  for program in iptables debootstrap; do command -v "$program" >/dev/null || packages+=("$program"); done
  [ ${#packages[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || die "please install: ${packages[*]}"
  say "apt: ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

start() {
  if answers; then say "the daemon answers at $SOCKET"; return 0; fi
  mkdir -p "$RUN" "$HOME_DIR"
  rm -f "$RUN/docker.pid" "$SOCKET"
  say "starting dockerd (log: $HOME_DIR/dockerd.log)"
  # Without the default bridge, which another daemon may own; Compose makes networks of its own.
  setsid nohup dockerd --data-root "$HOME_DIR/data" --exec-root "$RUN/exec" --pidfile "$RUN/docker.pid" \
    --host "unix://$SOCKET" --bridge none >"$HOME_DIR/dockerd.log" 2>&1 </dev/null &
  local waited=0
  until answers; do
    waited=$((waited + 1))
    if [ "$waited" -gt 60 ] || { [ "$waited" -gt 3 ] && ! kill -0 "$!" 2>/dev/null; }; then
      tail -n 15 "$HOME_DIR/dockerd.log" >&2
      die "dockerd does not answer"
    fi
    sleep 1
  done
  say "Docker $(docker version --format '{{.Server.Version}}') answers at $SOCKET"
}

stop() {
  local pid waited=0
  pid=$(cat "$RUN/docker.pid" 2>/dev/null) || { say "no daemon of ours runs"; return 0; }
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt 60 ]; do waited=$((waited + 1)); sleep 0.5; done
  kill -0 "$pid" 2>/dev/null && die "dockerd (process $pid) does not end"
  rm -f "$SOCKET"
  say "stopped"
}

base_image() {
  there "$BASE" && return 0
  local root=$HOME_DIR/root
  say "making a Debian $SUITE root (about a minute; log: $HOME_DIR/debootstrap.log)"
  rm -rf "$root"
  debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$root" >"$HOME_DIR/debootstrap.log" 2>&1 ||
    { tail -n 5 "$HOME_DIR/debootstrap.log" >&2; die "debootstrap failed"; }
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
  tar -C "$root" -c . | docker import - "$BASE" >/dev/null
  rm -rf "$root"
}

# vLLM's 6 GB are not copied: the tests mount the virtual environment at its own path (compose.override.yaml).
vllm_image() {
  there "$VLLM" && return 0
  say "vLLM image"
  build "$VLLM" <<FILE
FROM $BASE
ENV PATH=$ENGINES/vllm/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["vllm", "serve"]
FILE
}

ollama_image() {
  local context=$ENGINES/ollama
  OLLAMA=$OLLAMA:$(cd "$context" && find bin lib -type f -printf '%p %s %T@\n' | sort | cksum | cut -d' ' -f1)
  there "$OLLAMA" && return 0
  say "Ollama image"
  tar -C "$context" -c bin lib | docker import --change 'CMD ["none"]' - advisor-tests/ollama-files:new >/dev/null
  build "$OLLAMA" <<FILE
FROM $BASE
COPY --from=advisor-tests/ollama-files:new /bin/ollama /usr/bin/ollama
COPY --from=advisor-tests/ollama-files:new /lib/ollama /usr/lib/ollama
ENV OLLAMA_HOST=0.0.0.0:11434
EXPOSE 11434
ENTRYPOINT ["/bin/ollama"]
CMD ["serve"]
FILE
  docker rmi advisor-tests/ollama-files:new >/dev/null
}

write_env() {
  cat >"$ENGINES/docker.env" <<ENV
# Written by tests/engines/docker.sh: the daemon and the images of the engine tests, for a shell to source.
export DOCKER_HOST="unix://$SOCKET"
export ADVISOR_IMAGE_VLLM="$VLLM"
export ADVISOR_IMAGE_OLLAMA="$OLLAMA"
ENV
}

[ "$(id -u)" -eq 0 ] || die "needs root: a Docker daemon of its own"
case ${1:-start} in
  packages) prerequisites ;;
  stop) stop ;;
  start)
    prerequisites
    start
    base_image
    [ -x "$ENGINES/ollama/bin/ollama" ] || die "no engines in $ENGINES: run tests/engines/install.sh first"
    vllm_image
    ollama_image
    write_env
    say "ready; use: . $ENGINES/docker.env"
    ;;
  base)  # what does not need the engines, while they are being installed
    prerequisites
    start
    base_image
    ;;
  *) die "docker.sh [start|packages|base|stop]" ;;
esac
