"""The plan that a short benchmark runs: this machine, one engine, one model, four slots."""

from __future__ import annotations

from pathlib import Path

from advisor.benchmark.here import Chosen
from advisor.errors import EnvironmentFailed
from advisor.pipeline import recommend
from advisor.schema import Plan

SLOTS, CONTEXT_TOKENS = 4, 2048


# Every prompt of the benchmark is new from its first token on; the engine that was found here runs, not an image of it.
ASKED = {
    "concurrency": SLOTS, "input_tokens": CONTEXT_TOKENS // 4, "output_tokens": 64, "context_tokens": CONTEXT_TOKENS,
    "shared_prefix_tokens": 0, "history_tokens": 0, "run": "native",
}  # fmt: skip


def planned(chosen: Chosen, hardware_file: Path | None = None) -> Plan:
    """How the advisor itself would run that model here, or on a recorded machine.

    Raises:
        EnvironmentFailed: it does not run here.
    """
    overrides = {"engine": chosen.engine, "model": chosen.model, **ASKED}
    answer = recommend(profile=None, overrides=overrides, hardware_file=hardware_file, measurements="none")
    if answer.plan is None or answer.plan.estimate.speed is None:
        raise EnvironmentFailed(f"{chosen.engine} cannot run {chosen.model} here: {answer.verdict.summary}")
    return answer.plan
