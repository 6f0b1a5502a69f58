"""A server's own counters → the figures of its load since it started; their names stand in `metrics.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from advisor.catalog import constants
from advisor.edge.prometheus import Sample, buckets, quantile, total
from advisor.errors import BadInput
from advisor.schema import value
from advisor.workload.seen.figures import Lengths, Observed

_STARTED = "process_start_time_seconds"
_MOST_TOKENS = 1e9
_LEAST_REQUESTS = 2


@value
class Names:
    """What one kind of server calls its metrics, and which of their labels count."""

    server: str
    finished: str
    whole_time: str
    running: str
    waiting: str = ""
    prompt_lengths: str = ""
    output_lengths: str = ""
    prefix_hits: str = ""
    prefix_queries: str = ""
    only: Mapping[str, str]

    @property
    def histograms(self) -> tuple[str, ...]:
        """Those of which the buckets, the sum and the count are read."""
        return tuple(filter(None, (self.whole_time, self.prompt_lengths, self.output_lengths)))


def known() -> tuple[Names, ...]:
    """Every kind of server whose metrics tell a load."""
    return tuple(_names(server, entry) for server, entry in constants("metrics").items())


def _names(server: str, entry: Mapping[str, Any]) -> Names:
    told = {key: str(entry[key]) for key in Names.__dataclass_fields__ if key in entry and key != "only"}
    return Names(server=server, only=entry.get("only", {}), **told)


def of_page(samples: Sequence[Sample], now_s: float, where: str) -> Observed:
    """The figures of a page that was read at `now_s`, in seconds since 1970.

    Raises:
        BadInput: it is of no server that is known, or nothing was asked of it yet.
    """
    started = total([each for each in samples if each.name == _STARTED], _STARTED)
    several = sum(each.name == _STARTED for each in samples) > 1
    span = now_s - started if started is not None and not several and started < now_s else None
    note = () if span else (f"since when it counts is not told ({_STARTED}), so that there is no rate",)
    return figures(samples, span, where, (*note, "the mean since the server started: its busiest hour does not show"))


def figures(samples: Sequence[Sample], span_s: float | None, where: str, notes: tuple[str, ...]) -> Observed:
    """The figures of what was counted over so many seconds; None: nobody knows over how many.

    Raises:
        BadInput: as `of_page`.
    """
    for names in known():
        told = [each for each in samples if names.only.items() <= each.labels.items()]
        ends = [f"{names.whole_time}_{end}" for end in ("count", "sum")]
        if not {each.name for each in told}.issuperset(ends):
            continue
        many, seconds = (_counted(told, name, where) for name in ends)
        if not many >= _LEAST_REQUESTS:
            raise BadInput(f"{where}: the server has answered {many:g} requests; two are needed to tell a load")
        return _observed(told, samples, names, many, seconds, span_s, notes)
    accepted = ", ".join(f"{names.whole_time} ({names.server})" for names in known())
    raise BadInput(f"{where}: has none of the metrics that tell a load: {accepted}")


def _counted(samples: Sequence[Sample], name: str, where: str) -> float:
    """A counter over all labels."""
    found = total(samples, name)
    if found is None or found < 0:
        raise BadInput(f"{where}: {name} is no count: it must be a finite number, and not negative")
    return found


def _observed(
    told: Sequence[Sample],
    samples: Sequence[Sample],
    names: Names,
    many: float,
    seconds: float,
    span_s: float | None,
    notes: tuple[str, ...],
) -> Observed:
    read, written = (_lengths(told, name) for name in (names.prompt_lengths, names.output_lengths))
    rate = many / span_s if span_s else None
    hits, queries = (total(told, name) if name else None for name in (names.prefix_hits, names.prefix_queries))
    shared = min(max(hits / queries, 0.0), 1.0) if hits is not None and queries else None
    now = [total(samples, name) for name in (names.running, names.waiting) if name]
    level = sum(each for each in now if each is not None)
    said = [f"{level:g} were in flight when the page was read"] if level else []
    said += (
        ["percentiles lie within the server's buckets, and the longest is at most the bound of its own"] if read else []
    )
    return Observed(
        source="metrics",
        requests=round(many),
        span_s=span_s,
        request_rate=rate,
        busiest_rate=rate,
        read=read,
        written=written,
        longest=read.most + written.most if read and written else None,
        cached=shared * read.mean if shared is not None and read else None,
        latency_s=seconds / many,
        in_flight=seconds / span_s if span_s else None,
        in_flight_then=round(level) if level else None,
        notes=(*notes, *said),
    )


def _lengths(samples: Sequence[Sample], name: str) -> Lengths | None:
    """Of a histogram: the mean is exact, the rest lies within a bucket; the longest is at most the bound of its own."""
    many, tokens = total(samples, f"{name}_count"), total(samples, f"{name}_sum")
    counted = buckets(samples, name) if name else ()
    if not many or many < 0 or tokens is None or not 0 <= tokens / many < _MOST_TOKENS:
        return None
    p50, p95, p99, most = (min(quantile(counted, share) or 0.0, _MOST_TOKENS) for share in (0.5, 0.95, 0.99, 1.0))
    mean = tokens / many
    return Lengths(
        mean=mean, p50=round(p50), p95=max(round(p95), 0), p99=round(p99), most=max(round(most), round(mean))
    )
