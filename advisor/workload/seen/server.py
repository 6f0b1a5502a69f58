"""Figures asked of a running server: its own page of metrics, or a day of them from a Prometheus that watches it."""

from __future__ import annotations

import math
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from advisor.edge.answers import LOOPBACK_HOSTS, fetched, why
from advisor.edge.prometheus import Sample, read_samples
from advisor.edge.reading import parse_json
from advisor.errors import BadInput, EnvironmentFailed
from advisor.units import MIB, seconds
from advisor.workload.seen.figures import HOUR_S, Observed
from advisor.workload.seen.metrics import Names, figures, known, of_page

_DAY_S, _STEP_S = 86_400, 15  # 5,760 points: a Prometheus gives at most 11,000
_LEAST_S = 600.0  # of history: counters and levels begin and end some steps apart
_IDLE_S, _TOTAL_S, _MOST = 5.0, 20.0, 16 * MIB


def of_server(url: str) -> Observed:
    """The figures of an address: `…/metrics` is a server's page; else a Prometheus, or the server that has such a page.

    Raises:
        BadInput: it is no address of HTTP, or what answers tells no load.
        EnvironmentFailed: nobody answers.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{url}: is no address such as http://127.0.0.1:8000/metrics")
    base = urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    if not base.endswith("/metrics"):
        base = base.partition("/api/v1")[0]
        if _is_prometheus(base):
            return of_prometheus(base)
        base += "/metrics"
    return of_page(read_samples(_get(base).decode("utf-8", "replace"), base), time.time(), base)


def _get(url: str) -> bytes:
    here = urllib.parse.urlsplit(url).hostname in LOOPBACK_HOSTS
    try:
        return fetched(url, idle_s=_IDLE_S, total_s=_TOTAL_S, most=_MOST, here=here)
    except OSError as error:
        raise EnvironmentFailed(f"{url.partition('?')[0]}: does not answer ({why(error)})") from None


def _is_prometheus(base: str) -> bool:
    try:
        return bool(_asked(base, "query", {"query": "vector(1)"}))
    except (BadInput, EnvironmentFailed):
        return False


def _asked(base: str, path: str, question: Mapping[str, str]) -> list[dict[str, Any]]:
    """The series that a Prometheus answers with.

    See https://prometheus.io/docs/prometheus/latest/querying/api/
    """
    url = f"{base}/api/v1/{path}?{urllib.parse.urlencode(question)}"
    found = parse_json(_get(url), base)
    data = found.get("data") if isinstance(found, dict) and found.get("status") == "success" else None
    series = data.get("result") if isinstance(data, dict) else None
    if not isinstance(series, list):
        raise BadInput(f"{base}: does not answer as a Prometheus does")
    return [each for each in series if isinstance(each, dict)]


def of_prometheus(base: str) -> Observed:
    """The last day of the first kind of server that it watches.

    Raises:
        BadInput: it watches none whose metrics tell a load.
    """
    for names in known():
        level = _series(base, " + ".join(f"sum({name})" for name in (names.running, names.waiting) if name))
        if len(level) > 1:
            return _over_a_day(base, names, level)
    accepted = ", ".join(f"{names.running} ({names.server})" for names in known())
    raise BadInput(f"{base}: has seen none of the metrics that tell a load within a day: {accepted}")


def _over_a_day(base: str, names: Names, level: Sequence[tuple[float, float]]) -> Observed:
    span = level[-1][0] - level[0][0]
    if span < _LEAST_S:
        least, page = seconds(_LEAST_S), f"the server's own page of metrics tells since it started ({names.server})"
        raise BadInput(f"{base}: has kept {seconds(span)} of it; {least} are needed; {page}")
    kept = f"the last {seconds(span)}, as Prometheus kept them"
    found = figures(_counted(base, names), span, base, (kept,))
    rates = _series(base, f"sum(rate({names.finished}{_labels(names)}[1h]))") if span >= 2 * HOUR_S else []
    hourly = [(at, rate) for at, rate in rates if at >= level[0][0] + HOUR_S]  # of whole hours
    if not hourly:
        return _with_levels(found, [number for _, number in level])
    ends, busiest = max(hourly, key=lambda each: each[1])
    within = [number for at, number in level if ends - HOUR_S <= at <= ends]
    return _with_levels(replace(found, busiest_rate=max(busiest, found.busiest_rate or 0.0)), within)


def _with_levels(found: Observed, level: Sequence[float]) -> Observed:
    """How many were in flight at each look, as a percentile and as bunching."""
    mean = sum(level) / len(level) if level else 0.0
    if not mean:
        return found
    spread = sum((number - mean) ** 2 for number in level) / mean / len(level)
    p95 = sorted(level)[math.ceil(0.95 * len(level)) - 1]
    return replace(found, dispersion=spread, in_flight_p95=round(p95))


def _series(base: str, query: str) -> list[tuple[float, float]]:
    """Times and numbers of the last day, one every quarter of a minute; what is no number is left out."""
    now = time.time()
    question = {"query": query, "start": f"{now - _DAY_S:.0f}", "end": f"{now:.0f}", "step": str(_STEP_S)}
    found = _asked(base, "query_range", question)
    values = found[0].get("values") if found else None
    pairs = [_pair(each) for each in values] if isinstance(values, list) else []
    return sorted(each for each in pairs if each is not None)


def _pair(told: object) -> tuple[float, float] | None:
    try:
        at, number = (float(each) for each in told)  # type: ignore[attr-defined]  # what is no pair is refused below
    except (TypeError, ValueError):
        return None
    return (at, number) if math.isfinite(at) and math.isfinite(number) and number >= 0 else None


def _labels(names: Names) -> str:
    return "{" + ",".join(f'{label}="{said}"' for label, said in names.only.items()) + "}"


def _counted(base: str, names: Names) -> list[Sample]:
    """What every counter rose by within the day, as samples of a page."""
    whole = [name for name in (names.prefix_hits, names.prefix_queries) if name]
    whole += [f"{name}_{end}" for name in names.histograms for end in ("sum", "count")]
    wanted = [(name, f"sum(increase({name}{_labels(names)}[1d]))") for name in whole]
    wanted += [
        (f"{name}_bucket", f"sum by (le) (increase({name}_bucket{_labels(names)}[1d]))") for name in names.histograms
    ]
    return [
        Sample(name=name, labels={**names.only, **_le(each)}, value=number[1])
        for name, query in wanted
        for each in _asked(base, "query", {"query": query})
        if (number := _pair(each.get("value"))) is not None
    ]


def _le(series: Mapping[str, Any]) -> dict[str, str]:
    metric = series.get("metric")
    return {"le": str(metric["le"])} if isinstance(metric, dict) and "le" in metric else {}
