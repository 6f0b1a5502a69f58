"""vLLM where there is no network: wheels, the Hub's cache filled elsewhere, and nothing that asks or reports."""

from __future__ import annotations

import json
from itertools import pairwise

from advisor.engines.deployment import Supplies
from advisor.engines.vllm.revision import with_revision
from advisor.schema import Plan

DRAFTS = "--speculative-config"
# A repository is followed by @ and its revision where the plan pins one; else main is meant. A commit that came is the
# one of every later start: a repository that changes changes nothing here. It is written down when all of it is there
# and its sums are those of the Hub; until then the same commit is fetched on.
FETCH = """\
unset HF_HUB_OFFLINE
for word in "$@"; do
  model=${word%@*} wanted=main
  [ "$model" = "$word" ] || wanted=${word##*@}
  folder=${HF_HOME:-$HOME/.cache/huggingface}/hub/models--$(printf %s "$model" | sed 's|/|--|g')
  commit() { cat "$folder/refs/$wanted" 2>/dev/null || printf %s "$wanted"; }
  if [ "$(cat "$folder/advisor-revision" 2>/dev/null)" = "$(commit)" ]; then
    echo "here: $model at $(commit)"
    continue
  fi
  tries=0
  until hf download "$model" --revision "$(commit)"; do
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || exit 1
    echo "cut off; going on in 10 s" >&2
    sleep 10
  done
  hf cache verify "$model" --revision "$(commit)"
  commit >"$folder/advisor-revision"
  echo "fetched: $model at $(commit)"
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
    """What the engine loads from the Hub: the model, and a drafter of its own; behind an @ its revision."""
    words = plan.launch.argv
    before = dict(pairwise(words))
    drafter = json.loads(before.get(DRAFTS, "{}"))
    found = {plan.launch.model_ref: before.get("--revision"), drafter.get("model"): drafter.get("revision")}
    return tuple(with_revision(ref, name) for ref, name in found.items() if ref)
