"""What people gain from a conversation that is not read again, from the question to the answer."""

from __future__ import annotations

import pytest

from advisor.pipeline import Answer, recommend
from advisor.report.document import document
from advisor.schema import Speed


def asked(gpu: str | None = None, **given: object) -> Answer:
    """The answer for one person at their own machine, unless more is said."""
    return recommend(profile=None, overrides={"offline": True, "parts": "none", **given}, gpu=gpu, measurements="none")


def at_peak(answer: Answer) -> Speed:
    """The winner's speed at the planned peak."""
    assert answer.verdict.winner is not None and answer.verdict.winner.estimate.peak_speed is not None
    return answer.verdict.winner.estimate.peak_speed


@pytest.mark.parametrize(
    ("gpu", "model"),
    [
        ("M4 Max 64GB", "Qwen/Qwen2.5-32B-Instruct"),
        ("M3 Ultra 256GB", "meta-llama/Llama-3.3-70B-Instruct"),
        ("Ryzen AI Max+ 395", "Qwen/Qwen2.5-32B-Instruct"),
    ],
)
def test_a_warm_conversation_turns_no_into_yes(gpu: str, model: str) -> None:
    """Slow at reading and quick enough at writing: no where each question is new, not where a conversation goes on."""
    warm, cold = asked(gpu, model=model, ttft_ms=2500), asked(gpu, model=model, ttft_ms=2500, ttft_kind="cold")
    assert not cold.verdict.meets_targets
    assert at_peak(warm).ttft_s.expected < 0.4 * at_peak(cold).ttft_s.expected


@pytest.mark.parametrize("kind", ["auto", "warm", "cold"])
def test_the_document_says_both_and_judges_one(kind: str) -> None:
    """`ttft_s` is the judged one, and `ttft_warm_s` and `ttft_cold_s` stand beside it."""
    answer = asked("RTX 4090", model="Qwen/Qwen2.5-7B-Instruct", users=10, ttft_kind=kind)
    said = document(answer, ())["plan"]["predicted_at_peak"]
    assert said["ttft_s"] == said["ttft_cold_s" if kind == "cold" else "ttft_warm_s"]
    assert said["ttft_warm_s"]["expected"] < said["ttft_cold_s"]["expected"]
    assert 0.95 < said["kept_share"] <= 1.0


def test_a_crowd_pushes_conversations_out() -> None:
    """Where more people come back than the cache can hold, the judged 95th percentile is a cold one's."""
    speed = at_peak(asked("RTX 3060 12GB", model="Qwen/Qwen2.5-7B-Instruct", users=400, think_time_s=1200))
    assert speed.kept_share < 0.9
    assert speed.ttft_cold_p95_s is not None
    assert speed.ttft_p95_s.expected == pytest.approx(speed.ttft_cold_p95_s.expected, rel=1e-6)
