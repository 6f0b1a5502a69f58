"""Engines side by side over the load: the curve, the crossover, and how much load still meets the targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from advisor.engines import ENGINES
from advisor.estimate import latency_s, peak_in_flight, solve_in_flight, speed_at
from advisor.models.thinking import long_thought, somebody_waits, written_tokens
from advisor.physics.bisect import largest
from advisor.schema import Candidate, CurvePoint, Judged, Question, Workload

CURVE_LOADS = (1, 2, 4, 8, 16, 32, 64, 128)
_MOST_COMPARED = 512.0
_MOST_IN_FLIGHT = 4096


def sized_for(candidate: Candidate, in_flight: float, question: Question) -> Candidate:
    """The candidate with slots for a load over all replicas."""
    each = in_flight / candidate.replicas
    return ENGINES[candidate.engine].resize(candidate, each, question.hardware, question.model)


def total_tokens_per_s(candidate: Candidate, in_flight: float, question: Question) -> float | None:
    """Output rate over all replicas with `in_flight` requests in flight; None where the speed is not known."""
    speed = speed_at(candidate, in_flight, question)
    return None if speed is None else speed.output_tokens_per_s.expected * candidate.replicas


def curve(best: Mapping[str, Judged | None], question: Question) -> tuple[CurvePoint, ...]:
    """Total output of each engine at doubling loads: sized for that load, and as it comes out of the box."""
    candidates = {name: judged.estimate.candidate for name, judged in best.items() if judged is not None}

    def rates(size: Callable[[Candidate, int], Candidate], load: int) -> dict[str, float | None]:
        return {
            name: total_tokens_per_s(size(candidates[name], load), load, question) if name in candidates else None
            for name in best
        }

    def tuned(candidate: Candidate, load: int) -> Candidate:
        return sized_for(candidate, load, question)

    def untouched(candidate: Candidate, load: int) -> Candidate:  # noqa: ARG001 - a default knows no load
        return ENGINES[candidate.engine].as_installed(candidate, question.hardware, question.model)

    return tuple(
        CurvePoint(in_flight=load, tokens_per_s=rates(tuned, load), default_tokens_per_s=rates(untouched, load))
        for load in CURVE_LOADS
    )


def crossover(simple: Candidate, other: Candidate, question: Question) -> float | None:
    """The load from which `other` gives more total output than `simple`, both sized for it; None: never up to 512."""

    def ahead(load: float) -> bool:
        before, after = (
            total_tokens_per_s(sized_for(candidate, load, question), load, question) or 0.0
            for candidate in (simple, other)
        )
        return after > before

    if ahead(1.0):
        return 1.0
    high = 2.0
    while not ahead(high):
        high *= 2
        if high > _MOST_COMPARED:
            return None
    low = high / 2
    while high - low > 0.02 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if ahead(middle) else (middle, high)
    return round(high, 1)


def capacity(candidate: Candidate, question: Question) -> tuple[int | None, int | None]:
    """The most requests in flight, and the most users, that still meet every target with this candidate's cards.

    Exact integers by doubling and bisection: no grid whose step costs a card.
    """

    def meets(in_flight: int) -> bool:
        speed = speed_at(sized_for(candidate, in_flight, question), in_flight, question)
        return speed is not None and within_targets(
            speed.ttft_p95_s.expected, speed.tpot_p95_s.expected, workload, long_thought(workload, question.model)
        )

    workload = question.workload
    if not somebody_waits(workload):
        return None, None  # nothing to stay within
    most = largest(meets, _MOST_IN_FLIGHT)
    return (most, _users_for(most, candidate, question)) if most else (None, None)


def within_targets(ttft_p95_s: float, tpot_p95_s: float, workload: Workload, thought: float = 0.0) -> bool:
    """Whether TTFT, TPOT (95th percentile, seconds) and so many tokens of thought are within the workload's targets."""
    answer_s = ttft_p95_s + thought * tpot_p95_s
    if workload.first_answer_ms is not None and answer_s * 1000 > workload.first_answer_ms:
        return False
    return (workload.ttft_ms is None or ttft_p95_s * 1000 <= workload.ttft_ms) and (
        workload.tpot_ms is None or tpot_p95_s * 1000 <= workload.tpot_ms
    )


def _users_for(in_flight: int, candidate: Candidate, question: Question) -> int | None:
    """The most people whose peak stays at or below `in_flight`."""
    workload = question.workload
    if workload.think_time_s == 0 or workload.request_rate is not None:
        return None
    sized = sized_for(candidate, in_flight, question)

    def stays_below(users: int) -> bool:
        crowd = replace(workload, users=users, concurrency=None)
        return peak_in_flight(solve_in_flight(sized, replace(question, workload=crowd)), crowd) <= in_flight

    speed = speed_at(sized, in_flight, question)
    if speed is None:
        return None
    seconds = latency_s(speed, written_tokens(workload, question.model))
    ceiling = int(4 * in_flight * (seconds + workload.think_time_s) / seconds) + 1
    return largest(stays_below, ceiling) or None
