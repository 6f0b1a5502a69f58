"""How many requests a service takes in, and how long one may last: the same for every engine and for the gateway."""

from __future__ import annotations

import math

from advisor.models.thinking import written_tokens
from advisor.schema import Estimate, ModelSpec, Workload

LEAST_WAITING = 16  # requests that may wait, however few are planned
SHORTEST_DRAIN_S, LONGEST_DRAIN_S = 60, 600
UNKNOWN_DRAIN_S = 120  # where no speed is predicted


def admitted(estimate: Estimate, workload: Workload) -> int:
    """Prompts that one port holds, running and waiting: its replicas' slots, and its part of peak or burst."""
    candidate = estimate.candidate
    share = math.ceil(max(estimate.peak_in_flight, estimate.burst) / candidate.servers)
    return candidate.max_in_flight * candidate.replicas_of_server + workload.passages * max(LEAST_WAITING, share)


def admitted_requests(estimate: Estimate, workload: Workload) -> int:
    """The same in requests, as whoever stands before the engine counts: one with passages to rank is many prompts."""
    return math.ceil(admitted(estimate, workload) / workload.passages)


def answer_s(estimate: Estimate, output_tokens: float) -> float | None:
    """Seconds of a whole answer of that length at peak (95th percentile); None: the speed is not known."""
    speed = estimate.peak_speed or estimate.speed
    if speed is None:
        return None
    return speed.ttft_p95_s.expected + output_tokens * speed.tpot_p95_s.expected


def last_answer_s(estimate: Estimate, output_tokens: float) -> float | None:
    """Seconds until the last of a burst has a whole answer of that length; None: the speed is not known."""
    speed = estimate.burst_speed
    if speed is None:
        return None
    return speed.ttft_p95_s.expected + output_tokens * speed.tpot_p95_s.expected


def drain_s(estimate: Estimate, workload: Workload, model: ModelSpec) -> int:
    """Twice the time of one whole answer at peak, so that what runs at stop can finish; 60 to 600 s."""
    answer = answer_s(estimate, written_tokens(workload, model))
    if answer is None:
        return UNKNOWN_DRAIN_S
    return min(max(math.ceil(2 * answer), SHORTEST_DRAIN_S), LONGEST_DRAIN_S)
