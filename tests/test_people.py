"""People as they are: prompts of uneven length, crowds that press Enter together, requests that bunch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.engines.admission import admitted
from advisor.estimate import peak_in_flight
from advisor.pipeline import Answer, recommend
from advisor.report.document import document
from advisor.schema import Speed
from advisor.workload import load_workload, profile_names


def asked(profile: str | None = None, **given: Any) -> Answer:
    """The answer on one RTX 4090, unless more is said."""
    overrides = {"offline": True, "parts": "none", "model": "Qwen/Qwen2.5-7B-Instruct", **given}
    return recommend(profile=profile, overrides=overrides, gpu="RTX 4090", measurements="none")


def at_peak(answer: Answer) -> Speed:
    """The winner's speed at the planned peak."""
    assert answer.verdict.winner is not None and answer.verdict.winner.estimate.peak_speed is not None
    return answer.verdict.winner.estimate.peak_speed


@pytest.mark.parametrize(("engine", "fmt"), [("ollama", "q4_K_M"), ("vllm", "bf16")])
@pytest.mark.parametrize("load", [{"users": 1}, {"users": 30}, {"request_rate": 1.0}, {"concurrency": 6}])
def test_lengths_change_the_95th_percentile_alone(engine: str, fmt: str, load: dict[str, Any]) -> None:
    """The mean first token is that of the mean prompt whatever the lengths; its p95 is later where they vary."""
    one: dict[str, Any] = {"engine": engine, "quantization": fmt, "input_tokens": 1500, **load}
    fixed, same, varied = (at_peak(asked(**one, **how)) for how in ({"lengths": "fixed"}, {"prompt_p95": 1}, {}))
    assert same.ttft_p95_s == fixed.ttft_p95_s
    assert varied.ttft_s == fixed.ttft_s
    assert varied.ttft_p95_s.expected > fixed.ttft_p95_s.expected


@pytest.mark.parametrize("spread", [(1.0, 1.5), (1.5, 3.4), (3.4, 8.0)])
def test_a_wider_spread_is_never_sooner(spread: tuple[float, float]) -> None:
    """The more uneven the prompts, the later the 95th percentile of the first token."""
    less, more = (at_peak(asked(users=20, prompt_p95=one)).ttft_p95_s.expected for one in spread)
    assert more >= less


def test_no_prompt_is_longer_than_the_context() -> None:
    """A long prompt ends where the context does: with no room above the mean, lengths do not matter."""
    tight: dict[str, Any] = {"input_tokens": 4000, "output_tokens": 96, "context_tokens": 4096, "users": 5}
    assert at_peak(asked(**tight)).ttft_p95_s == at_peak(asked(**tight, lengths="fixed")).ttft_p95_s


@pytest.mark.parametrize("engine", ["ollama", "vllm"])
@pytest.mark.parametrize("pupils", [30, 60, 120])
def test_no_pupil_is_turned_away(engine: str, pupils: int) -> None:
    """Everybody who presses Enter together runs or waits, and it is said when the last one has an answer."""
    answer = asked("classroom", users=pupils, engine=engine)
    assert answer.plan is not None
    estimate = answer.plan.estimate
    assert estimate.burst == pupils
    assert admitted(estimate, answer.workload) >= pupils
    said = document(answer, ())["plan"]["burst"]
    assert said["users"] == pupils
    assert said["last_answer_s"] > said["ttft_p95_s"]["expected"]
    assert any(f"{pupils} ask at the same moment" in finding.message for finding in answer.verdict.reasons)


@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_a_burst_never_shrinks_a_plan(engine: str) -> None:
    """With a burst there are at least the slots and the room to wait that there are without."""
    alone, together = (asked("classroom", engine=engine, burst_users=burst) for burst in (0, 30))
    assert alone.plan is not None and together.plan is not None
    assert together.plan.estimate.candidate.max_in_flight >= alone.plan.estimate.candidate.max_in_flight
    assert admitted(together.plan.estimate, together.workload) >= admitted(alone.plan.estimate, alone.workload)
    assert alone.plan.estimate.burst == 0


@given(users=st.integers(1, 2000), share=st.floats(0, 1), dispersion=st.floats(1, 100), more=st.floats(1, 10))
def test_requests_that_bunch_peak_higher(users: int, share: float, dispersion: float, more: float) -> None:
    """The more requests bunch, the higher the peak; it never exceeds the people there are."""
    workload = replace(load_workload("chat", {}), users=users, dispersion=dispersion)
    low = peak_in_flight(users * share, workload)
    high = peak_in_flight(users * share, replace(workload, dispersion=dispersion * more))
    assert low <= high <= users


def test_coding_traffic_peaks_as_measured() -> None:
    """Two requests in flight on average peak at 5 where they come independently, and at about 11 as editors send them."""
    poisson = replace(load_workload("code-completion", {"request_rate": 1.0}), dispersion=1.0)
    assert peak_in_flight(2.0, poisson) == 5
    assert peak_in_flight(2.0, load_workload("code-completion", {"request_rate": 1.0})) == pytest.approx(11, abs=2)


@pytest.mark.parametrize(
    "profile", [name for name in profile_names() if name not in ("batch", "embedding", "reranking")]
)
def test_questions_an_hour_stand_beside_the_users(profile: str) -> None:
    """Whoever reads the load sees how many questions an hour it means."""
    answer = asked(profile)
    assert answer.verdict.winner is None or "questions an hour" in answer.verdict.winner.estimate.derivation
