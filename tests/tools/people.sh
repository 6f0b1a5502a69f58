#!/usr/bin/env bash
# Install LiteLLM, which knows people's keys, for tests/deploy/test_people_keys.py.
#   tests/tools/people.sh            into ${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}
# Safe to run again: what is there and answers is kept. Uses only the Python package index; about 700 MB, four minutes.
set -euo pipefail

LITELLM_VERSION=1.99.0  # the package that advisor/deploy/people.py names
TOOLS=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}
target=$TOOLS/litellm-$LITELLM_VERSION

if [ ! -f "$target/complete" ]; then
  rm -rf "$target"
  mkdir -p "$TOOLS"
  python3 -m venv "$target"
  "$target/bin/pip" install --quiet "litellm[proxy]==$LITELLM_VERSION" prometheus_client
  touch "$target/complete"
fi
ln -sfn "litellm-$LITELLM_VERSION/bin/litellm" "$TOOLS/litellm"
printf 'litellm %s in %s\n' "$LITELLM_VERSION" "$TOOLS" >&2
