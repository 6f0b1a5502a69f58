"""What "high" is earned with, what keeps the published weights, and who wins where the other engine is clearly ahead."""

from __future__ import annotations

from itertools import product

import pytest

from advisor.catalog import constants, weights_format
from advisor.decide.prefer import as_published
from advisor.decide.trusted import is_enough
from advisor.models.names import find_model
from advisor.pipeline import Answer, recommend
from tests.scenarios import answer

KEPT = (("openai/gpt-oss-20b", "mxfp4-gguf"), ("openai/gpt-oss-120b", "mxfp4"), ("openai/gpt-oss-120b", "mxfp4-moe"))
LOST = (("openai/gpt-oss-20b", "q4_K_M"), ("Qwen/Qwen2.5-7B-Instruct", "q4_K_M"), ("Qwen/Qwen2.5-7B-Instruct", "mxfp4"))


@pytest.mark.parametrize(("model", "form"), [*KEPT, *LOST])
def test_a_loss_is_relative_to_the_published_weights(model: str, form: str) -> None:
    """The published numbers in another container lose nothing; fewer bits than were published do."""
    assert as_published(form, find_model(model, offline=True)) == ((model, form) in KEPT)


def test_high_is_only_for_devices_whose_ranges_held() -> None:
    """Of devices that may be called sure, four of five left-out measurements were within the slow end of their range."""
    rows = [row for kinds in constants("trust")["left_out"].values() for row in kinds.values()]
    good = [row for row in rows if is_enough(row["error"], row["slow_end"], row["sources"])]
    assert 0 < len(good) < len(rows) and all(row["slow_end"] >= 0.8 and row["error"] <= 0.25 for row in good)


def small(gpu: str, users: int) -> Answer:
    """A 70B chat on cards that are too few for it."""
    return recommend(
        profile="chat",
        overrides={"model": "meta-llama/Llama-3.3-70B-Instruct", "users": users, "offline": True},
        gpu=gpu,
        measurements="none",
    )


@pytest.mark.parametrize(("gpu", "users"), [*product(("RTX 4090", "RTX 3060 12GB"), (1, 5))])
def test_nothing_below_four_bits_is_planned_unasked(gpu: str, users: int) -> None:
    """A visible loss is a remedy that names itself, never a plan that nobody asked for."""
    verdict = small(gpu, users).verdict
    if verdict.winner is not None:
        assert weights_format(verdict.winner.estimate.candidate.weights_format).quality_tier != "C"
    named = [change.change for change in verdict.nearest_yes if "--quantization" in change.change]
    assert all("visible loss" in change for change in named)


def test_an_engine_that_is_clearly_ahead_at_the_planned_load_wins() -> None:
    """Vectors for 16 people on a T4: half the wait and batches beat one slot."""
    assert answer("embedding-t4").verdict.engine == "vllm"


def test_who_waits_gets_the_clearly_quicker_way() -> None:
    """Half as many tokens/s again on the same cards are worth a target that may be missed."""
    made = answer("a-70b-on-two-4090s").verdict.winner
    assert made is not None and made.estimate.candidate.tensor_parallel == 2
