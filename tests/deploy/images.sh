#!/usr/bin/env bash
# Images for the tests of the Compose stack: Caddy and Prometheus as tests/tools/gateway.sh has them, made like the
# official ones where it matters (programs, entrypoints, users, the capability on Caddy's program, busybox for health).
#   tests/deploy/images.sh      after tests/engines/docker.sh and tests/tools/gateway.sh
# Safe to run again; a few seconds.
set -euo pipefail

TOOLS=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}
ENGINES=${ADVISOR_ENGINES:-"$HOME/.cache/advisor-engines"}
# shellcheck source=/dev/null
. "$ENGINES/docker.env"
export DOCKER_BUILDKIT=0

say() { printf '[images] %s\n' "$*" >&2; }
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# root NAME PROGRAM...: a root folder with busybox and these programs.
root() {
  local folder=$stage/$1 name
  shift
  mkdir -p "$folder"/{bin,etc,tmp,usr/bin,srv,data,config}
  chmod 1777 "$folder/tmp"
  cp "$TOOLS/busybox" "$folder/bin/busybox"
  for name in sh wget sleep cat test mv; do ln -s busybox "$folder/bin/$name"; done
  printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$folder/etc/passwd"
  printf 'root:x:0:\nnobody:x:65534:\n' >"$folder/etc/group"
}

root caddy
cp -L "$TOOLS/caddy" "$stage/caddy/usr/bin/caddy"
setcap cap_net_bind_service=+ep "$stage/caddy/usr/bin/caddy"
tar -C "$stage/caddy" --owner=0 --group=0 --xattrs --xattrs-include='security.capability' -c . |
  docker import --change 'CMD ["caddy","run","--config","/etc/caddy/Caddyfile","--adapter","caddyfile"]' \
    --change 'ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data PATH=/usr/bin:/bin' --change 'WORKDIR /srv' \
    - advisor-tests/caddy:1 >/dev/null
say "advisor-tests/caddy:1"

# Debian's program is linked dynamically, unlike the official one: its C library comes along.
root prometheus
cp -L "$TOOLS/prometheus" "$stage/prometheus/bin/prometheus"
mkdir -p "$stage"/prometheus/{prometheus,etc/prometheus,lib/x86_64-linux-gnu,lib64}
ldd "$TOOLS/prometheus" | grep -o '/[^ ]*' | while read -r library; do
  cp -L --parents "$library" "$stage/prometheus/"
done
chown 65534:65534 "$stage/prometheus/prometheus"
tar -C "$stage/prometheus" -c . |
  docker import --change 'ENTRYPOINT ["/bin/prometheus"]' --change 'USER nobody' --change 'WORKDIR /prometheus' \
    --change 'CMD ["--config.file=/etc/prometheus/prometheus.yml","--storage.tsdb.path=/prometheus"]' \
    --change 'VOLUME /prometheus' - advisor-tests/prometheus:1 >/dev/null
say "advisor-tests/prometheus:1"
