#!/usr/bin/env bash
# Install what looks at our pages: Debian's chromium, axe-core, which judges whether everybody can use them, groff for the manual,
# and zsh, which asks for what stands behind TAB.
#   tests/tools/page.sh              axe.min.js into ${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}
# Safe to run again: what is there is kept. As root on Debian, where one of them is missing. 300 MB.
set -euo pipefail

AXE_VERSION=4.10.3
TOOLS=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}
mkdir -p "$TOOLS"

say() { printf '[page] %s\n' "$*" >&2; }

install_chromium() {
  if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
    say "a browser is there"
    return 0
  fi
  say "installing chromium"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends chromium >/dev/null
}

# install_package PROGRAM PACKAGE
install_package() {
  command -v "$1" >/dev/null && return 0
  say "installing $1"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$2" >/dev/null
}

# npm of the machine, else that of the wheel which judges.sh brings.
npm_program() {
  command -v npm || find "$TOOLS" -maxdepth 4 -path '*/bin/npm' -print -quit
}

install_axe() {
  if [ -s "$TOOLS/axe-$AXE_VERSION.min.js" ]; then
    say "axe-core $AXE_VERSION is there"
    return 0
  fi
  say "fetching axe-core $AXE_VERSION"
  local place npm
  npm=$(npm_program)
  place=$(mktemp -d)
  (cd "$place" && PATH="$(dirname "$npm"):$PATH" "$npm" pack --silent "axe-core@$AXE_VERSION" >/dev/null && tar -xzf ./axe-core-*.tgz)
  mv "$place/package/axe.min.js" "$TOOLS/axe-$AXE_VERSION.min.js"
  rm -rf "$place"
}

install_chromium
install_package groff groff-base
install_package zsh zsh
install_axe
ln -sfn "axe-$AXE_VERSION.min.js" "$TOOLS/axe.min.js"
