#!/usr/bin/env bash
# Install the programs that judge the gateway and the monitoring: Caddy, Prometheus with promtool, Alertmanager, the
# node exporter, and a busybox for their images.
#   tests/tools/gateway.sh            into ${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}
# Safe to run again: what is there and answers is kept. Uses only the Go module proxy and Debian's archive; no root, and
# nothing is left running: Debian's package of Prometheus is unpacked, not installed, so its service never starts.
set -euo pipefail

CADDY_VERSION=v2.11.9  # the image that advisor/deploy/gateway.py pins
TOOLS=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}
mkdir -p "$TOOLS"
started=$(date +%s)

say() { printf '[gateway %4ds] %s\n' "$(($(date +%s) - started))" "$*" >&2; }

install_caddy() {
  local target=$TOOLS/caddy-$CADDY_VERSION stage
  if [ -x "$target" ] && "$target" version >/dev/null 2>&1; then
    say "caddy $CADDY_VERSION is there"
  elif command -v go >/dev/null 2>&1; then
    say "building caddy $CADDY_VERSION with $(go version | cut -d' ' -f3); about a minute"
    stage=$(mktemp -d "$TOOLS/.caddy.XXXXXX")
    # Without cgo the binary runs in an image that holds nothing else.
    CGO_ENABLED=0 GOBIN=$stage GOFLAGS=-mod=mod go install "github.com/caddyserver/caddy/v2/cmd/caddy@$CADDY_VERSION"
    mv "$stage/caddy" "$target"
    rm -rf "$stage"
    say "caddy: $("$target" version)"
  else
    say "no Go compiler: caddy is not installed (https://go.dev/dl)"
    return 1
  fi
  ln -sfn "$(basename "$target")" "$TOOLS/caddy"
}

# unpacked PACKAGE FILE...: programs of a Debian package, without installing it.
unpacked() {
  local package=$1 stage file
  shift
  stage=$(mktemp -d "$TOOLS/.$package.XXXXXX")
  chmod 755 "$stage"  # apt downloads as another user
  (cd "$stage" && apt-get download -qq "$package" >/dev/null 2>&1) ||
    { apt-get update -qq && (cd "$stage" && apt-get download -qq "$package" >/dev/null); }
  dpkg-deb -x "$stage/$package"_*.deb "$stage"
  for file in "$@"; do mv "$stage/$file" "$TOOLS/$(basename "$file")"; done
  rm -rf "$stage"
}

# With its service from Debian's package it would start by itself; busybox is for the images of tests/deploy/images.sh.
install_unpacked() {
  local program
  if "$TOOLS/prometheus" --version >/dev/null 2>&1 && "$TOOLS/promtool" --version >/dev/null 2>&1 &&
    "$TOOLS/prometheus-alertmanager" --version >/dev/null 2>&1 &&
    "$TOOLS/prometheus-node-exporter" --version >/dev/null 2>&1 && "$TOOLS/busybox" true; then
    say "prometheus, promtool, alertmanager, node exporter and busybox are there"
    return 0
  fi
  if command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
    say "unpacking Debian's prometheus, alertmanager, node exporter and busybox-static"
    unpacked prometheus usr/bin/prometheus usr/bin/promtool
    rm -rf "$TOOLS/alertmanager"
    unpacked prometheus-alertmanager usr/bin/prometheus-alertmanager usr/share/prometheus/alertmanager
    unpacked prometheus-node-exporter usr/bin/prometheus-node-exporter
    unpacked busybox-static bin/busybox
  else
    for program in prometheus promtool prometheus-alertmanager prometheus-node-exporter; do
      command -v "$program" >/dev/null 2>&1 || { say "$program is absent: install the package of that name (promtool: prometheus)"; return 1; }
      ln -sfn "$(command -v "$program")" "$TOOLS/$program"
    done
  fi
  say "$("$TOOLS/promtool" --version 2>&1 | head -n 1)"
}

# Debian's Alertmanager reads its templates from one place of the system.
link_templates() {
  local place=/usr/share/prometheus/alertmanager
  [ -e "$place/default.tmpl" ] && return 0
  [ "$(id -u)" -eq 0 ] || { say "not root: $place is not there, and alertmanager does not start"; return 1; }
  mkdir -p "$(dirname "$place")"
  ln -sfn "$TOOLS/alertmanager" "$place"
}

failed=0
install_caddy || failed=1
install_unpacked || failed=1
link_templates || failed=1
[ "$failed" -eq 0 ] && say "all in $TOOLS"
exit "$failed"
