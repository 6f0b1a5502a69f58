"""The pace that targets ask for, and whether a way is too slow for it: one look instead of a search."""

from __future__ import annotations

import math

from advisor.estimate import latency_s, sized_for, speed_at
from advisor.models.thinking import written_tokens
from advisor.physics.memo import by_value_and_identity
from advisor.schema import Candidate, ModelSpec, Question, Workload

_LOOKS = (1.0, 0.6, 0.35, 0.2)  # of the most that may be in flight: beyond some load an engine gives less again
_BETWEEN_LOOKS = 1.1  # how much more is answered between two of them, or with other slots


def longest_s(workload: Workload, model: ModelSpec) -> float | None:
    """Seconds that a whole answer may take with every target met; None where no target says it."""
    if workload.ttft_ms is None or workload.tpot_ms is None:
        return None
    return (workload.ttft_ms + workload.tpot_ms * max(written_tokens(workload, model) - 1, 0)) / 1000


def least_rate(workload: Workload, model: ModelSpec) -> float:
    """Requests a second that must be served for every target to be met; 0 where no target says how long one may take.

    People come back once they were answered, so that whoever is answered in time comes at least this often.
    """
    if workload.request_rate is not None:
        return workload.request_rate
    longest = longest_s(workload, model)
    if longest is None:
        return 0.0
    if workload.concurrency is not None:
        return workload.concurrency / longest
    return workload.users / (workload.think_time_s + longest)


@by_value_and_identity
def too_slow(way: Candidate, question: Question) -> bool:
    """Whether fewer are answered a second than must be, at every load at which all targets can be met.

    Then no more are in flight than come while an answer takes as long as it may (Little's law). A few looks from there
    down, until less is answered again, say what the search for the load at which it comes to rest would.
    """
    longest = longest_s(question.workload, question.model)
    if longest is None:
        return False
    rate, best, sized = least_rate(question.workload, question.model), 0.0, None
    for part in _LOOKS:
        in_flight = part * rate * longest
        if sized is None or in_flight < sized.max_in_flight * way.replicas:  # else no more fit than before
            sized = sized_for(way, in_flight, question)
        answered = _answered_per_s(sized, in_flight, question)
        if answered * _BETWEEN_LOOKS >= rate:
            return False
        if answered < best:
            break
        best = answered
    return True


def _answered_per_s(sized: Candidate, in_flight: float, question: Question) -> float:
    """With so many in flight; any number where nothing is predicted."""
    speed = speed_at(sized, in_flight, question)
    return (
        math.inf if speed is None else in_flight / latency_s(speed, written_tokens(question.workload, question.model))
    )
