"""What a log says of a load, and the profile made of it: what was seen, and what had to be assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from advisor.schema import value
from advisor.workload.log import Log, changes

_HOUR_S = 3600.0
_GRAIN = 1024  # tokens that a context is rounded up to
_MOST_DISPERSION, _MOST_P95 = 1000.0, 100.0  # as the keys of a profile accept


@value
class Lengths:
    """Tokens of one kind over all requests."""

    mean: float
    p50: int
    p95: int
    most: int


@value
class Observed:
    """The figures of a log."""

    requests: int
    left_out: int
    span_s: float
    request_rate: float  # a second, over the whole log
    busiest_rate: float  # of its busiest hour; of the whole where it is shorter than two
    read: Lengths
    written: Lengths
    longest: int  # of a request, read and written together
    latency_s: float | None  # mean; None: the log does not tell how long answers took
    in_flight: float | None  # mean, as rate x latency
    in_flight_p95: int | None  # of the time
    dispersion: float | None  # variance over mean of those in flight; 1: they come independently


def observed(log: Log) -> Observed:
    """The figures of a log with at least two requests."""
    requests = log.requests
    span = max(requests[-1].at_s - requests[0].at_s, 1e-3)
    rate = (len(requests) - 1) / span
    timed = [each.took_s for each in requests if each.took_s is not None]
    whole = len(timed) == len(requests)
    latency = sum(timed) / len(timed) if timed else None
    p95, dispersion = _levels(log) if whole else (None, None)
    return Observed(
        requests=len(requests),
        left_out=log.left_out,
        span_s=span,
        request_rate=rate,
        busiest_rate=_busiest(log) if span >= 2 * _HOUR_S else rate,
        read=_lengths([each.read for each in requests]),
        written=_lengths([each.written for each in requests]),
        longest=max(each.read + each.written for each in requests),
        latency_s=latency,
        in_flight=None if latency is None else rate * latency,
        in_flight_p95=p95,
        dispersion=dispersion,
    )


def _lengths(tokens: Sequence[int]) -> Lengths:
    ordered = sorted(tokens)
    p50, p95 = (ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1] for share in (0.5, 0.95))
    return Lengths(mean=sum(ordered) / len(ordered), p50=p50, p95=p95, most=ordered[-1])


def _busiest(log: Log) -> float:
    """Requests a second in the hour that has the most."""
    most, first, requests = 0, 0, log.requests
    for last, each in enumerate(requests):
        while each.at_s - requests[first].at_s > _HOUR_S:
            first += 1
        most = max(most, last - first + 1)
    return most / _HOUR_S


def _levels(log: Log) -> tuple[int | None, float | None]:
    """95th percentile over time of the requests in flight, and their variance over their mean, while any still come."""
    held: dict[int, float] = {}
    level, end = 0, log.requests[-1].at_s
    for (at, change), (then, _) in pairwise(changes(log)):
        level += change
        if then <= end:
            held[level] = held.get(level, 0.0) + then - at
    total = sum(held.values())
    if not total:
        return None, None
    mean = sum(number * time for number, time in held.items()) / total
    spread = sum((number - mean) ** 2 * time for number, time in held.items()) / total
    below = 0.0
    for number, time in sorted(held.items()):
        below += time
        if below >= 0.95 * total:
            return number, spread / mean if mean else None
    return max(held), spread / mean if mean else None


def profile_text(found: Observed, source: str) -> str:
    """The profile as YAML, each line with what it comes from; `source` is the log's name, on one line."""
    hours = found.span_s / _HOUR_S
    seen = f"{found.requests:,} requests in {hours:,.2f} hours" + (
        f", {found.left_out:,} lines left out" if found.left_out else ""
    )
    lines = [
        f"# Made by `advisor workload` from {' '.join(source.split())}: {seen}.",
        f"# Read: {_told(found.read)}. Written: {_told(found.written)}.",
        *_flight(found),
        "title: As observed in a log",
        "task: chat  # assumed",
        f"request_rate: {found.busiest_rate:.6g}  # seen: {_which(found)}",
        f"input_tokens: {max(round(found.read.mean), 1)}  # seen: the mean",
        f"prompt_p95: {_ratio(found.read):.3g}  # seen: 95th percentile over the mean",
        f"output_tokens: {max(round(found.written.mean), 1)}  # seen: the mean",
        f"context_tokens: {math.ceil(max(found.longest, 1) / _GRAIN) * _GRAIN}  # seen: the longest is {found.longest}",
        *_bunched(found),
        "think_time_s: 0  # a log of requests does not say who comes back",
        "ttft_ms: 2000  # assumed: a log does not say what people wait for",
        "tpot_ms: 100  # assumed",
    ]
    return "\n".join(lines) + "\n"


def _told(lengths: Lengths) -> str:
    ends = f"half up to {lengths.p50:,}, 95 % up to {lengths.p95:,}, most {lengths.most:,}"
    return f"{lengths.mean:,.0f} tokens on average, {ends}"


def _flight(found: Observed) -> list[str]:
    if found.in_flight is None:
        return ["# How long answers took is not in the log, so that nobody knows how many were in flight."]
    most = f", {found.in_flight_p95} at the 95th percentile" if found.in_flight_p95 is not None else ""
    return [f"# In flight: {found.in_flight:.3g} on average{most}, with {found.latency_s:.3g} s an answer."]


def _which(found: Observed) -> str:
    if found.span_s < 2 * _HOUR_S:
        return "requests a second over the whole log"
    return f"of the busiest hour; {found.request_rate:.3g} over the whole log"


def _ratio(lengths: Lengths) -> float:
    return min(max(lengths.p95 / max(lengths.mean, 1.0), 1.0), _MOST_P95)


def _bunched(found: Observed) -> list[str]:
    if found.dispersion is None:
        return []
    held = min(max(found.dispersion, 1.0), _MOST_DISPERSION)
    return [f"dispersion: {held:.3g}  # seen: variance over mean of those in flight, at least 1"]
