"""The step of a smoke test that ranks passages, against a server that answers as vLLM does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from advisor.engines import ENGINES
from advisor.pipeline import recommend
from advisor.schema import Plan
from advisor.smoke.job import Failed, Job, Skipped
from advisor.smoke.load.client import Server
from advisor.smoke.runners import runner_for
from advisor.smoke.steps import talking
from tests.smoke.fake_engine import Behaviour, serving


def planned(model: str, **asked: object) -> Plan:
    """A plan of vLLM on one card."""
    overrides = {"model": model, "offline": True, "users": 1, "engine": "vllm", "run": "native", **asked}
    made = recommend(profile=None, overrides=overrides, gpu="L40S", measurements="none", quick=True).plan
    assert made is not None
    return made


def taken(plan: Plan, folder: Path, behaviour: Behaviour) -> str:
    """What the step saw."""

    async def go() -> str:
        async with serving(behaviour) as url:
            job = Job(
                plan=plan, folder=folder, runner=runner_for("native", plan, folder), observer=ENGINES["vllm"].observer()
            )
            job.server = Server(base_url=url, model="fake", exact_length=True)
            return await talking.ranking(job)

    return asyncio.run(go())


@pytest.mark.parametrize("passages", [1, 7, 50])
def test_as_many_passages_as_planned_are_ranked(tmp_path: Path, passages: int) -> None:
    """The passage that answers is first, among as many others as were planned."""
    plan = planned("BAAI/bge-reranker-v2-m3", passages=passages)
    assert taken(plan, tmp_path, Behaviour()).startswith(f"{passages + 1} passages ranked in ")


def test_a_wrong_order_fails(tmp_path: Path) -> None:
    """A server that answers 200 with the wrong passage first has a wrong prompt or head."""
    with pytest.raises(Failed, match="its prompt is wrong"):
        taken(planned("BAAI/bge-reranker-v2-m3"), tmp_path, Behaviour(turned=2.0))


def test_what_ranks_nothing_is_left_out(tmp_path: Path) -> None:
    """Of a plan that writes, the step is left out; of one that ranks, the steps that need text are."""
    with pytest.raises(Skipped, match="ranks no passages"):
        taken(planned("Qwen/Qwen3-0.6B"), tmp_path, Behaviour())
    plan = planned("BAAI/bge-reranker-v2-m3")
    job = Job(
        plan=plan, folder=tmp_path, runner=runner_for("native", plan, tmp_path), observer=ENGINES["vllm"].observer()
    )
    with pytest.raises(Skipped, match="writes no text"):
        talking.only_text(job)
