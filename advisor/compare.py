"""Engines side by side over the load: the curve, the crossover, and the load from which one is clearly ahead."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping

from advisor.engines import ENGINES
from advisor.estimate import latency_s, overrun, sized_for, speed_at
from advisor.models.thinking import written_tokens
from advisor.schema import Candidate, CurvePoint, Judged, Question, Workload

CURVE_LOADS = (1, 2, 4, 8, 16, 32, 64, 128)
_MOST_COMPARED = 512.0


def total_tokens_per_s(candidate: Candidate, in_flight: float, question: Question) -> float | None:
    """Output rate over all replicas with `in_flight` requests in flight; None where the speed is not known."""
    speed = speed_at(candidate, in_flight, question)
    return None if speed is None else speed.output_tokens_per_s.expected * candidate.replicas


def curve(best: Mapping[str, Judged | None], question: Question) -> tuple[CurvePoint, ...]:
    """Total output of each engine at doubling loads: sized for that load, and as it comes out of the box."""
    candidates = {name: judged.estimate.candidate for name, judged in best.items() if judged is not None}

    installed = {
        name: ENGINES[one.engine].as_installed(one, question.hardware, question.model)
        for name, one in candidates.items()
    }

    def point(load: int) -> CurvePoint:
        sized = {name: sized_for(candidate, load, question) for name, candidate in candidates.items()}
        speeds = {name: speed_at(sized[name], load, question) if name in sized else None for name in best}
        replicas = {name: candidate.replicas for name, candidate in sized.items()}
        return CurvePoint(
            in_flight=load,
            tokens_per_s={
                name: None if speed is None else speed.output_tokens_per_s.expected * replicas[name]
                for name, speed in speeds.items()
            },
            default_tokens_per_s={
                name: total_tokens_per_s(installed[name], load, question) if name in installed else None
                for name in best
            },
            speeds=speeds,
            replicas=replicas,
        )

    return tuple(point(load) for load in _loads(best))


def _loads(best: Mapping[str, Judged | None]) -> tuple[int, ...]:
    """Doubling loads up to 128, and on to at least twice what is planned."""
    planned = max((judged.estimate.peak_in_flight for judged in best.values() if judged is not None), default=1)
    further = itertools.takewhile(lambda load: load < 4 * planned, (CURVE_LOADS[-1] * 2**n for n in itertools.count(1)))
    return (*CURVE_LOADS, *further)


def crossover(simple: Candidate, other: Candidate, question: Question) -> float | None:
    """The load from which `other` gives more total output than `simple`, both sized for it; None: never up to 512.

    With equal numbers in flight the one whose answers take less time gives more of them.
    """
    found = ahead_from(simple, other, question, 1.0, least=1.0)
    return None if found is None else round(found, 1)


def ahead_from(simple: Candidate, other: Candidate, question: Question, margin: float, *, least: float) -> float | None:
    """Requests in flight from which an answer of `simple` takes `margin` times as long as one of `other`.

    Both are sized for each load. The lead must last to twice the load: kernels change by steps, and one is no lead.

    Args:
        margin: below 1 means that `other` may be slower by so much.
        least: from where to look.
    """
    answers = [_answer_s(candidate, question) for candidate in (simple, other)]

    def ahead(load: float) -> bool:
        slow, quick = (answer(load) for answer in answers)
        return slow is not None and quick is not None and slow >= margin * quick

    grid = [least * 2.0**step for step in range(int(math.log2(_MOST_COMPARED / least)) + 1)]
    first = next((n for n in grid if ahead(n) and ahead(min(2 * n, _MOST_COMPARED))), None)
    if first is None or first == least:
        return first
    low, high = first / 2, first
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if ahead(middle) else (middle, high)
    return high


def _answer_s(candidate: Candidate, question: Question) -> Callable[[float], float | None]:
    """Seconds of a whole answer by requests in flight, the candidate sized for each."""

    @functools.cache
    def answer(in_flight: float) -> float | None:
        speed = speed_at(sized_for(candidate, in_flight, question), in_flight, question)
        return None if speed is None else latency_s(speed, written_tokens(question.workload, question.model))

    return answer


def load_of(in_flight: float, candidate: Candidate, question: Question) -> float:
    """So many in flight in the unit of the question: people, requests in flight or requests per second."""
    workload = question.workload
    seconds = _answer_s(candidate, question)(in_flight)
    if workload.concurrency is not None or not seconds:
        return in_flight
    if workload.request_rate is not None:
        return in_flight / seconds
    return in_flight * (seconds + workload.think_time_s) / seconds


def load_asked(workload: Workload) -> float:
    """The load in that unit."""
    return float(workload.concurrency or workload.request_rate or workload.users)


def within_targets(ttft_p95_s: float, tpot_p95_s: float, workload: Workload, thought: float = 0.0) -> bool:
    """Whether TTFT, TPOT (95th percentile, seconds) and so many tokens of thought are within the workload's targets."""
    return overrun(ttft_p95_s, tpot_p95_s, workload, thought) <= 1
