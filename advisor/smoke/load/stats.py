"""From timed answers to the figures of a run: rates, means, percentiles, goodput."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from advisor.schema import value
from advisor.smoke.load.client import Answer

QUIET = 0.1  # other programs may take so much of the processor before a measurement says nothing


@value
class Spread:
    """A latency over all requests, in seconds."""

    mean: float
    p50: float
    p95: float
    p99: float


@value
class Targets:
    """What a request has to keep to count as good; None: not asked for."""

    ttft_s: float | None = None
    tpot_s: float | None = None


@value
class LoadResult:
    """One run of the load generator."""

    mode: str  # "closed" (fixed in flight) or "open" (Poisson arrivals)
    in_flight: float  # asked for (closed), or the mean that came about (open)
    request_rate: float | None  # asked for (open)
    requests: int
    completed: int
    seconds: float  # from the first request to the last byte
    input_tokens: float  # mean a completed request, as the server counts
    output_tokens: float  # mean a completed request, as they really came
    output_tokens_per_s: float  # all tokens over all seconds, as `vllm bench serve` counts
    steady_output_tokens_per_s: float | None  # while the full number was in flight; None: too short to say
    requests_per_s: float
    ttft_s: Spread | None
    tpot_s: Spread | None
    itl_s: Spread | None  # between pieces of text
    e2e_s: Spread | None
    goodput_requests_per_s: float
    good_share: float  # of all requests sent
    errors: Mapping[str, int] = field(default_factory=dict)  # kind → how many
    first_error: str = ""
    history_tokens: int = 0  # of each prompt, which the engine had read before
    others_share: float | None = None  # of all processor time, used by other programs meanwhile; None: not known


def percentile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between closest ranks, `share` in 0…1, of values in ascending order."""
    rank = (len(ordered) - 1) * share
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def spread(values: Iterable[float]) -> Spread | None:
    """Mean and percentiles; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Spread(
        mean=sum(ordered) / len(ordered),
        p50=percentile(ordered, 0.5),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
    )


def is_good(answer: Answer, targets: Targets) -> bool:
    """Finished, and within every target."""
    if answer.error is not None or answer.ttft_s is None:
        return False
    if targets.ttft_s is not None and answer.ttft_s > targets.ttft_s:
        return False
    return targets.tpot_s is None or (answer.tpot_s or 0.0) <= targets.tpot_s


def summarise(
    answers: Sequence[Answer],
    *,
    mode: str,
    in_flight: float | None,
    request_rate: float | None = None,
    history_tokens: int = 0,
    targets: Targets | None = None,
) -> LoadResult:
    """The figures of a run. Failed requests count as sent and as errors, and in nothing else."""
    done = [answer for answer in answers if answer.error is None and answer.ttft_s is not None]
    start = min((answer.sent_s for answer in answers), default=0.0)
    seconds = max(max((answer.ended_s for answer in answers), default=0.0) - start, 1e-9)
    good = sum(is_good(answer, targets or Targets()) for answer in answers)
    busy = sum(answer.e2e_s for answer in answers) / seconds
    failed = [answer for answer in answers if answer.error is not None]
    return LoadResult(
        mode=mode,
        in_flight=busy if in_flight is None else in_flight,
        request_rate=request_rate,
        requests=len(answers),
        completed=len(done),
        seconds=seconds,
        input_tokens=_mean([answer.input_tokens for answer in done]),
        output_tokens=_mean([answer.output_tokens for answer in done]),
        output_tokens_per_s=sum(answer.output_tokens for answer in done) / seconds,
        steady_output_tokens_per_s=steady_rate(answers, in_flight),
        requests_per_s=len(done) / seconds,
        ttft_s=spread(answer.ttft_s for answer in done if answer.ttft_s is not None),
        tpot_s=spread(answer.tpot_s for answer in done if answer.tpot_s is not None),
        itl_s=spread(gap for answer in done for gap in gaps(answer)),
        e2e_s=spread(answer.e2e_s for answer in done),
        goodput_requests_per_s=good / seconds,
        good_share=good / len(answers) if answers else 0.0,
        errors=dict(Counter(answer.error for answer in failed if answer.error)),
        first_error=failed[0].detail if failed else "",
        history_tokens=history_tokens,
    )


def gaps(answer: Answer) -> list[float]:
    """Seconds between one piece of text and the next."""
    return [b - a for a, b in zip(answer.arrivals_s, answer.arrivals_s[1:], strict=False)]


def steady_rate(answers: Sequence[Answer], in_flight: float | None) -> float | None:
    """Tokens/s from the moment the full number is in flight until the last request has been sent.

    Ramp and drain are left out. None unless that window is at least half of the run and sees two waves.
    """
    sent = sorted(answer.sent_s for answer in answers)
    full = math.ceil(in_flight or 0)
    if full < 1 or len(sent) < 3 * full or any(answer.error for answer in answers):
        return None
    opens, closes = sent[full - 1], sent[-1]
    if closes - opens < 0.5 * (max(answer.ended_s for answer in answers) - sent[0]):
        return None
    tokens = 0.0
    for answer in answers:
        inside = sum(1 for moment in answer.arrivals_s if opens <= moment <= closes)
        tokens += inside * answer.output_tokens / max(len(answer.arrivals_s), 1)
    return tokens / (closes - opens)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
