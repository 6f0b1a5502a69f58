"""The figures of a load: lengths, arrivals, how much they bunch, people at once; here those of a log."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Literal, NamedTuple

from advisor.schema import value
from advisor.units import seconds
from advisor.workload.seen.lines import Seen
from advisor.workload.seen.log import Log

HOUR_S = 3600.0
_MINUTE_S, _MANY = 60.0, 20  # so many times that are all whole minutes are told no finer
_LONG_S = 600.0  # an answer: there are such, but fewer than durations in another unit


@value
class Lengths:
    """Tokens of one kind over all requests."""

    mean: float
    p50: int
    p95: int
    p99: int
    most: int


@value
class Observed:
    """What was seen of a load; None: it does not show there."""

    source: Literal["log", "metrics"]
    requests: int
    span_s: float | None
    request_rate: float | None  # a second, over the whole span
    busiest_rate: float | None  # of its busiest hour; of the whole where it is shorter than two
    read: Lengths | None = None
    written: Lengths | None = None
    longest: int | None = None  # of a request, read and written together
    cached: float | None = None  # mean tokens of a prompt that an earlier one left in the cache
    latency_s: float | None = None  # mean
    in_flight: float | None = None  # mean, as rate x latency, and never more than there were
    in_flight_then: int | None = None  # when the page was read
    in_flight_p95: int | None = None  # of the time, in the busiest hour
    dispersion: float | None = None  # variance over mean of those in flight there; 1: they come independently
    people: int | None = None  # different callers in the busiest hour
    left_out: int = 0
    notes: tuple[str, ...] = ()  # what has to be known of the figures


class Window(NamedTuple):
    """From when to when, in seconds since 1970."""

    begins: float
    ends: float

    def held(self, begins: float, ends: float) -> float:
        """Seconds of a stretch of time that lie within."""
        return max(min(ends, self.ends) - max(begins, self.begins), 0.0)


def observed(log: Log) -> Observed:
    """The figures of a log with at least two requests."""
    requests = log.requests
    whole = Window(requests[0].at_s, max(requests[-1].at_s, requests[0].at_s + 1e-3))
    span = requests[-1].at_s - requests[0].at_s
    rate = (len(requests) - 1) / span if span else None  # of a single moment nobody can say
    busy = _busiest(requests) if span >= 2 * HOUR_S else whole
    within = sum(busy.begins <= each.at_s <= busy.ends for each in requests)
    timed = [each.took_s for each in requests if each.took_s is not None]
    latency = sum(timed) / len(timed) if timed else None
    finely = len(timed) == len(requests) and not _coarse(requests)
    p95, dispersion = _levels(requests, busy) if finely else (None, None)
    return Observed(
        source="log",
        requests=len(requests),
        span_s=span,
        request_rate=rate,
        busiest_rate=within / HOUR_S if busy is not whole else rate,
        read=_lengths([each.read for each in requests if each.read is not None]),
        written=_lengths([each.written for each in requests if each.written is not None]),
        longest=max((each.read + (each.written or 0) for each in requests if each.read is not None), default=None),
        cached=_mean([each.cached for each in requests if each.cached is not None]),
        latency_s=latency,
        in_flight=_mean_level(rate, latency, len(requests)),
        in_flight_p95=p95,
        dispersion=dispersion,
        people=_callers(requests, busy),
        left_out=log.left_out,
        notes=tuple(_notes(log)),
    )


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def _mean_level(rate: float | None, latency: float | None, most: int) -> float | None:
    """Of requests in flight; all of them where they came at once."""
    return None if latency is None else float(most) if rate is None else min(rate * latency, most)


def _lengths(tokens: Sequence[int]) -> Lengths | None:
    if not tokens:
        return None
    ordered = sorted(tokens)
    shares = (ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1] for share in (0.5, 0.95, 0.99))
    p50, p95, p99 = shares
    return Lengths(mean=sum(ordered) / len(ordered), p50=p50, p95=p95, p99=p99, most=ordered[-1])


def _busiest(requests: Sequence[Seen]) -> Window:
    """The hour in which most requests came."""
    most, begins, first = 0, requests[0].at_s, 0
    for last, each in enumerate(requests):
        while each.at_s - requests[first].at_s > HOUR_S:
            first += 1
        if last - first + 1 > most:
            most, begins = last - first + 1, requests[first].at_s
    return Window(begins, begins + HOUR_S)


def _changes(requests: Sequence[Seen]) -> Iterator[tuple[float, int]]:
    """Every moment at which a request comes (+1) or is answered (-1), in order."""
    moments = [(each.at_s, 1) for each in requests]
    moments += [(each.at_s + each.took_s, -1) for each in requests if each.took_s is not None]
    yield from sorted(moments)


def _levels(requests: Sequence[Seen], window: Window) -> tuple[int | None, float | None]:
    """95th percentile over time of the requests in flight, and their variance over their mean."""
    held: dict[int, float] = {}
    level = 0
    for (at, change), (then, _) in pairwise(_changes(requests)):
        level += change
        if seconds := window.held(at, then):
            held[level] = held.get(level, 0.0) + seconds
    total = sum(held.values())
    mean = sum(number * time for number, time in held.items()) / total if total else 0.0
    if not mean:
        return None, None
    spread = sum((number - mean) ** 2 * time for number, time in held.items()) / total
    return _p95(held, total), spread / mean


def _p95(held: Mapping[int, float], total: float) -> int:
    """The least level that is not exceeded for 95 % of the time."""
    below = 0.0
    for number, time in sorted(held.items()):
        below += time
        if below >= 0.95 * total:
            return number
    return max(held)


def _callers(requests: Sequence[Seen], window: Window) -> int | None:
    """How many different callers came then; None where the log does not tell them apart."""
    found = {each.who for each in requests if each.who is not None and window.begins <= each.at_s <= window.ends}
    return len(found) if len(found) > 1 else None


def _coarse(requests: Sequence[Seen]) -> bool:
    """Whether its times are rounded to minutes, or to days."""
    return len(requests) >= _MANY and all(each.at_s % _MINUTE_S == 0 for each in requests)


def _odd_times(requests: Sequence[Seen]) -> Iterator[str]:
    """What is doubtful of when they came and how long they took."""
    timed = [each.took_s for each in requests if each.took_s is not None]
    if requests[0].at_s == requests[-1].at_s:
        yield "all came at the same moment: there is no rate"
    elif _coarse(requests):
        yield "its times are whole minutes: how requests bunch, and how many there are at most, does not show"
    if 0 < len(timed) < len(requests):
        yield f"{len(requests) - len(timed):,} of {len(requests):,} tell no duration: in flight is told as a mean only"
    if timed and sum(timed) > _LONG_S * len(timed):
        mean = sum(timed) / len(timed)
        yield f"an answer took {seconds(mean)} on average: a duration in milliseconds is called duration_ms"
    zoneless = sum(not each.zoned for each in requests)
    if 0 < zoneless < len(requests):
        yield f"{zoneless:,} of {len(requests):,} times tell no time zone, unlike the others: they are taken for UTC"


def _notes(log: Log) -> Iterator[str]:
    """What of the log is not in the figures, and what is doubtful of it."""
    yield from _odd_times(log.requests)
    if log.earlier:
        yield f"the newest {len(log.requests):,} of {len(log.requests) + log.earlier:,} requests count"
    if log.left_out:
        lines = (
            "1 line cannot be read and is" if log.left_out == 1 else f"{log.left_out:,} lines cannot be read and are"
        )
        yield f"{lines} left out; {log.first_left_out}"
    if log.turned_away:
        yield f"{log.turned_away:,} more were turned away (429, 503): the load that came is larger than what was served"
    if log.failed:
        yield f"{log.failed:,} failed and are left out"


def together(found: Sequence[Observed]) -> Observed:
    """One load seen in several places: what the first does not show is the next one's."""
    first, *others = found
    for other in others:
        gaps = {each.name: getattr(other, each.name) for each in fields(first) if getattr(first, each.name) is None}
        first = replace(first, **gaps, notes=(*first.notes, *other.notes))
    return first
