"""The pace that targets ask for, and whether a way is too slow for it: one look instead of a search."""

from __future__ import annotations

from advisor.estimate import latency_s, sized_for, speed_at
from advisor.models.thinking import written_tokens
from advisor.physics.memo import by_value_and_identity
from advisor.schema import Candidate, ModelSpec, Question, Workload

_OTHER_SLOTS = 1.1  # how much sooner all are answered at most with other slots than one for each request


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
    """Whether an answer takes longer than all targets allow, were so many in flight as come in just that time.

    Latency only grows with what is in flight: where it is above what is allowed with as many in flight as that makes,
    it comes to rest above it, and so do the 95th percentiles, which are no lower than the mean.
    """
    longest = longest_s(question.workload, question.model)
    if longest is None:
        return False
    in_flight = least_rate(question.workload, question.model) * longest
    speed = speed_at(sized_for(way, in_flight, question), in_flight, question)
    written = written_tokens(question.workload, question.model)
    return speed is not None and latency_s(speed, written) > _OTHER_SLOTS * longest
