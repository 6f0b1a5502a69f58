#!/usr/bin/env bash
# Install the programs that judge units: systemd-analyze (Debian's package) and Podman's own quadlet generator, nft (the firewall between machines).
#   tests/tools/units.sh            into ${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}
# Safe to run again: what is there and answers is kept. Uses only the Go module proxy and, as root, apt.
# Debian 12's Podman is 4.3 and has no quadlet (it came with 4.4), so the generator of Debian 13's 5.4.2 is built.
set -euo pipefail

QUADLET_VERSION=5.4.2
TAGS="exclude_graphdriver_btrfs exclude_graphdriver_devicemapper containers_image_openpgp remote"
TOOLS=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}
mkdir -p "$TOOLS"

say() { printf '[units] %s\n' "$*" >&2; }

# from_apt PROGRAM PACKAGE: nothing of it is started.
from_apt() {
  if PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1; then return 0; fi
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    say "$1 is absent and this is not root on Debian: install the package '$2'"
    return 1
  fi
  say "installing $2 with apt (nothing of it is started)"
  apt-get -o DPkg::Lock::Timeout=600 -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$2" >/dev/null
}

install_systemd() {
  from_apt systemd-analyze systemd || return 1
  ln -sfn "$(command -v systemd-analyze)" "$TOOLS/systemd-analyze"
  say "$("$TOOLS/systemd-analyze" --version | sed -n 1p)"
}

install_quadlet() {
  local target=$TOOLS/quadlet-$QUADLET_VERSION stage
  if [ -x "$target" ] && [ "$("$target" -version 2>/dev/null)" = "$QUADLET_VERSION" ]; then
    say "quadlet $QUADLET_VERSION is there"
  elif command -v go >/dev/null 2>&1; then
    say "building quadlet $QUADLET_VERSION with $(go version | cut -d' ' -f3); about half a minute"
    stage=$(mktemp -d)
    # A module of our own that requires the pinned version: `go install` of it asks the proxy for a list it may not have.
    printf 'module tools\n\ngo 1.23.0\n\nrequire github.com/containers/podman/v5 v%s\n' "$QUADLET_VERSION" >"$stage/go.mod"
    printf '//go:build tools\n\npackage tools\n\nimport _ "github.com/containers/podman/v5/cmd/quadlet"\n' >"$stage/tools.go"
    (cd "$stage" && GOFLAGS=-mod=mod go build -tags "$TAGS" -o quadlet github.com/containers/podman/v5/cmd/quadlet)
    mv "$stage/quadlet" "$target"
    rm -rf "$stage"
  else
    say "no Go compiler: quadlet is not installed (https://go.dev/dl)"
    return 1
  fi
  ln -sfn "$(basename "$target")" "$TOOLS/quadlet"
}

failed=0
from_apt nft nftables || failed=1
install_systemd || failed=1
install_quadlet || failed=1
[ "$failed" -eq 0 ] && say "all in $TOOLS"
exit "$failed"
