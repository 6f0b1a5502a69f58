#!/usr/bin/env bash
# Install the programs that judge our files: Docker Compose (v2 file format, no daemon needed) and shellcheck.
#   tests/tools/install.sh            into ${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}
# Safe to run again: what is there and answers is kept. Uses only the Go module proxy and, as root, apt.
set -euo pipefail

COMPOSE_VERSION=v5.0.2
TOOLS=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}
mkdir -p "$TOOLS"

say() { printf '[tools] %s\n' "$*" >&2; }

install_compose() {
  local target=$TOOLS/docker-compose-$COMPOSE_VERSION stage
  if [ -x "$target" ] && "$target" version >/dev/null 2>&1; then
    say "docker-compose $COMPOSE_VERSION is there"
  elif command -v go >/dev/null 2>&1; then
    say "building docker-compose $COMPOSE_VERSION with $(go version | cut -d' ' -f3); about two minutes"
    stage=$(mktemp -d)
    # The module's main package is called `cmd`, so that is the name of the binary.
    GOBIN=$stage GOFLAGS=-mod=mod go install \
      -ldflags "-X github.com/docker/compose/v5/internal.Version=$COMPOSE_VERSION" \
      "github.com/docker/compose/v5/cmd@$COMPOSE_VERSION"
    mv "$stage/cmd" "$target"
    rm -rf "$stage"
    say "docker-compose: $("$target" version)"
  else
    say "no Go compiler: docker-compose is not installed (https://go.dev/dl)"
    return 1
  fi
  ln -sfn "$(basename "$target")" "$TOOLS/docker-compose"
}

install_shellcheck() {
  if [ -x "$TOOLS/shellcheck" ] && "$TOOLS/shellcheck" --version >/dev/null 2>&1; then
    say "shellcheck is there"
    return 0
  fi
  if ! command -v shellcheck >/dev/null 2>&1; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
      say "shellcheck is absent and this is not root on Debian: install the package 'shellcheck'"
      return 1
    fi
    say "installing shellcheck with apt"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends shellcheck >/dev/null
  fi
  ln -sfn "$(command -v shellcheck)" "$TOOLS/shellcheck"
  say "shellcheck $("$TOOLS/shellcheck" --version | sed -n 's/^version: //p')"
}

failed=0
install_compose || failed=1
install_shellcheck || failed=1
[ "$failed" -eq 0 ] && say "all in $TOOLS"
exit "$failed"
