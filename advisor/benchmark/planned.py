"""The plan that a short benchmark runs: this machine, one engine, one model, four slots."""

from __future__ import annotations

from advisor.benchmark.here import Chosen
from advisor.errors import EnvironmentFailed
from advisor.pipeline import recommend
from advisor.schema import Plan

SLOTS, CONTEXT_TOKENS = 4, 2048


def planned(chosen: Chosen) -> Plan:
    """How the advisor itself would run that model here.

    Raises:
        EnvironmentFailed: it does not run here.
    """
    lengths = {"input_tokens": CONTEXT_TOKENS // 4, "output_tokens": 64, "context_tokens": CONTEXT_TOKENS}
    overrides = {"engine": chosen.engine, "model": chosen.model, "concurrency": SLOTS, **lengths}
    answer = recommend(profile=None, overrides=overrides, measurements="none")
    if answer.plan is None or answer.plan.estimate.speed is None:
        raise EnvironmentFailed(f"{chosen.engine} cannot run {chosen.model} here: {answer.verdict.summary}")
    return answer.plan
