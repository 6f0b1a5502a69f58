"""Which of several ways that meet the targets is advised."""

from __future__ import annotations

import pytest

from advisor.pipeline import Answer, recommend

SURE = "may miss a target at the slow end of its range"


def asked(gpu: str, users: int) -> Answer:
    """A 70B in production on cards of this kind."""
    return recommend(
        profile="production-api",
        overrides={"model": "meta-llama/Llama-3.3-70B-Instruct", "users": users, "parts": "none"},
        gpu=gpu,
    )


@pytest.mark.parametrize(("gpu", "users"), [("8x H100", 200), ("8x A100 80GB", 40)])
def test_a_plan_that_is_sure_comes_before_one_with_fewer_cards(gpu: str, users: int) -> None:
    """Eight cards are there: fewer of them would do by the expected figures, but not by the slow end of the range."""
    verdict = asked(gpu, users).verdict
    assert verdict.meets_targets
    assert verdict.confidence == "high"
    doubtful = [one for one in verdict.losers if one.why_lost.endswith(SURE)]
    assert doubtful
    assert verdict.winner is not None
    assert min(len(one.estimate.candidate.gpu_indices) for one in doubtful) < len(
        verdict.winner.estimate.candidate.gpu_indices
    )


def test_no_card_is_spent_where_fewer_are_sure() -> None:
    """Four of eight cards meet the targets at the slow end too, so the other four stay free."""
    verdict = asked("8x H100", 100).verdict
    assert verdict.confidence == "high"
    assert verdict.winner is not None
    assert len(verdict.winner.estimate.candidate.gpu_indices) == 4
    assert any(one.why_lost.endswith("needs more cards") for one in verdict.losers)
