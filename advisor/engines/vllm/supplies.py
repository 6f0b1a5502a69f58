"""vLLM where there is no network: wheels, the Hub's cache filled elsewhere, and nothing that asks or reports."""

from __future__ import annotations

from advisor.engines.deployment import Supplies
from advisor.schema import Plan


def supplies(plan: Plan) -> Supplies:
    """The Hub's cache is a folder that is copied as it is."""
    return Supplies(
        weights="hub/models--" + plan.launch.model_ref.replace("/", "--"),
        store="",
        fetched_by="`hf download --cache-dir`",
        requirement=f"vllm=={plan.engine_version}",
        variables=("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_NO_USAGE_STATS"),
    )
