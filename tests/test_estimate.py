"""People become requests in flight, and candidates are sized for them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.estimate import estimate, latency_s, peak_in_flight, solve_in_flight, speed_at
from advisor.measured.correction import Measurements
from advisor.models.names import find_model
from advisor.pipeline import recommend
from advisor.probe.simulate import simulate
from advisor.propose import propose
from advisor.schema import Candidate, Question, Workload
from advisor.workload import load_workload

HARDWARE = simulate("RTX 4090")
MODEL = find_model("Qwen/Qwen2.5-7B-Instruct", offline=True)


def about(workload: Workload) -> Question:
    """The question about this load."""
    return Question(model=MODEL, workload=workload, hardware=HARDWARE, measurements=Measurements())


def _candidates(workload: Workload) -> dict[str, Candidate]:
    """The first candidate of each engine."""
    found: dict[str, Candidate] = {}
    for candidate in propose(HARDWARE, workload, MODEL):
        found.setdefault(candidate.engine, candidate)
    return found


CANDIDATES = _candidates(load_workload("chat", {}))


@pytest.mark.parametrize("engine", CANDIDATES)
@given(users=st.integers(1, 500), think=st.floats(1, 300))
def test_the_closed_model_is_solved(engine: str, users: int, think: float) -> None:
    """In flight = users x latency / (latency + think time), with the latency at that very load, within two percent."""
    workload = load_workload("chat", {"users": users, "think_time_s": think})
    in_flight = solve_in_flight(CANDIDATES[engine], about(workload))
    speed = speed_at(CANDIDATES[engine], max(in_flight, 1.0), about(workload))
    assert speed is not None
    seconds = latency_s(speed, workload.output_tokens)
    assert in_flight == pytest.approx(users * seconds / (seconds + think), rel=0.02, abs=0.02)


@pytest.mark.parametrize("engine", CANDIDATES)
def test_a_rate_times_latency_is_in_flight(engine: str) -> None:
    """With a given request rate, in flight = rate x latency (Little)."""
    workload = load_workload("chat", {"request_rate": 0.5})
    in_flight = solve_in_flight(CANDIDATES[engine], about(workload))
    speed = speed_at(CANDIDATES[engine], max(in_flight, 1.0), about(workload))
    assert speed is not None
    assert in_flight == pytest.approx(0.5 * latency_s(speed, workload.output_tokens), rel=0.02)


def test_concurrency_is_taken_as_given() -> None:
    """`--concurrency 50` means fifty, on average and at peak, and every engine gets that many slots if memory allows."""
    workload = load_workload("chat", {"concurrency": 50, "context_tokens": 2048})
    for candidate in _candidates(workload).values():
        made = estimate(candidate, about(workload))
        assert (made.in_flight, made.peak_in_flight) == (50.0, 50)
        assert made.candidate.max_in_flight >= 50


@given(users=st.integers(1, 10_000), share=st.floats(0, 1))
def test_the_peak_lies_between_mean_and_everybody(users: int, share: float) -> None:
    """The 95th percentile is at least the mean rounded up, at least one, and never more than the people there are."""
    workload = replace(load_workload("chat", {}), users=users)
    peak = peak_in_flight(users * share, workload)
    assert max(1, math.floor(users * share)) <= peak <= users


def test_more_people_are_never_fewer_in_flight() -> None:
    """In flight grows with the number of people."""

    def in_flight(users: int) -> float:
        workload: Workload = load_workload("chat", {"users": users})
        return solve_in_flight(CANDIDATES["vllm"], about(workload))

    loads = [in_flight(users) for users in (1, 3, 10, 30, 100, 300, 1000)]
    assert loads == sorted(loads)


def binomial(people: int, share: float) -> Iterator[float]:
    """How likely 0, 1, 2, ... of so many people are waiting, each with this probability."""
    return (math.comb(people, k) * share**k * (1 - share) ** (people - k) for k in range(people + 1))


def poisson(mean: float) -> Iterator[float]:
    """How likely 0, 1, 2, ... requests are in flight where they arrive at random."""
    return (math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in itertools.count())


def reached(chances: Iterator[float], share: float = 0.95) -> int:
    """The smallest number that is not exceeded with this probability."""
    return next(k for k, total in enumerate(itertools.accumulate(chances)) if total >= share)


@pytest.mark.parametrize(("users", "mean"), [(30, 3.0), (100, 50.0), (400, 200.0), (400, 360.0), (1000, 40.0)])
def test_the_peak_of_people_is_the_binomials(users: int, mean: float) -> None:
    """Each of N people waits independently of the others: the peak is the 95th percentile of that, within one."""
    peak = peak_in_flight(mean, load_workload("chat", {"users": users}))
    assert peak == pytest.approx(reached(binomial(users, mean / users)), abs=1)


@pytest.mark.parametrize("mean", [3.0, 50.0, 200.0])
def test_the_peak_of_arrivals_is_poissons(mean: float) -> None:
    """With a request rate nobody's number limits the crowd: the peak is the 95th percentile of Poisson, within one."""
    peak = peak_in_flight(mean, load_workload("chat", {"request_rate": 1.0}))
    assert peak == pytest.approx(reached(poisson(mean)), abs=1)


def test_slots_are_planned_for_the_peak_and_not_for_the_mean() -> None:
    """An engine gets as many slots as there are requests at the 95th percentile, and its peak speed is that of then."""
    asked = {"users": 50, "model": MODEL.hf_id, "engine": "ollama", "parts": "none"}
    answer = recommend(profile="chat", overrides=asked, gpu="RTX 4090")
    assert answer.verdict.winner is not None
    made = answer.verdict.winner.estimate
    assert made.peak_speed is not None
    assert made.in_flight + 3 < made.peak_in_flight == peak_in_flight(made.in_flight, answer.workload)
    assert made.candidate.max_in_flight >= made.peak_in_flight == made.peak_speed.in_flight
