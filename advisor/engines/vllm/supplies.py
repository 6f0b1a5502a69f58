"""vLLM where there is no network: wheels, the Hub's cache filled elsewhere, and nothing that asks or reports."""

from __future__ import annotations

import json

from advisor.engines.deployment import Supplies
from advisor.schema import Plan

DRAFTS = "--speculative-config"
# The revision that came first is the one of every later start: a repository that changes changes nothing here. It is
# written down when all of it is there and its sums are those of the Hub; until then the same revision is fetched on.
FETCH = """\
unset HF_HUB_OFFLINE
for model in "$@"; do
  folder=${HF_HOME:-$HOME/.cache/huggingface}/hub/models--$(printf %s "$model" | sed 's|/|--|g')
  if [ -s "$folder/advisor-revision" ]; then
    echo "here: $model at $(cat "$folder/advisor-revision")"
    continue
  fi
  tries=0
  until hf download "$model" --revision "$(cat "$folder/refs/main" 2>/dev/null || echo main)"; do
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || exit 1
    echo "cut off; going on in 10 s" >&2
    sleep 10
  done
  hf cache verify "$model" --revision "$(cat "$folder/refs/main")"
  cp "$folder/refs/main" "$folder/advisor-revision"
  echo "fetched: $model at $(cat "$folder/advisor-revision")"
done
"""


def supplies(plan: Plan) -> Supplies:
    """The Hub's cache is a folder that is copied as it is."""
    return Supplies(
        weights="hub/models--" + plan.launch.model_ref.replace("/", "--"),
        store="",
        fetched_by="`hf download --cache-dir`",
        requirement=f"vllm=={plan.engine_version}",
        variables=("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_NO_USAGE_STATS"),
        repositories=repositories(plan),
        fetch=FETCH,
        fetched={"HF_HUB_OFFLINE": "1"},
    )


def repositories(plan: Plan) -> tuple[str, ...]:
    """What the engine loads from the Hub: the model, and a drafter that is a repository of its own."""
    before = ("", *plan.launch.argv)
    drafts = (json.loads(word) for flag, word in zip(before, plan.launch.argv, strict=False) if flag == DRAFTS)
    return (plan.launch.model_ref, *(found["model"] for found in drafts if "model" in found))
