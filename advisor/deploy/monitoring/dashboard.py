"""The panels of the dashboard: what a person on call looks at, most important first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.deploy.monitoring.exporters import host_panels
from advisor.deploy.monitoring.facts import Panel, Query
from advisor.deploy.monitoring.signals import ENGINE, quantile
from advisor.schema import Plan

COLUMNS, WIDTH, HEIGHT = 24, 8, 8
Drawn = tuple[str, str, tuple[Query, ...], float | None]  # title, unit, lines, limit


def panels(plan: Plan, names: Mapping[str, str]) -> tuple[Panel, ...]:
    """Every panel in its place, three a row; `names` are the engine's metrics, empty where it exports none."""
    engine = _of_engine(plan, names) if names else _in_its_place(plan)
    drawn = (*_reached(names), *engine, *_front(), *host_panels(plan))
    a_row = COLUMNS // WIDTH
    return tuple(
        Panel(
            id=number + 1, title=title, unit=unit, queries=queries, limit=limit, width=WIDTH, height=HEIGHT,
            x=number % a_row * WIDTH, y=number // a_row * HEIGHT,
        )
        for number, (title, unit, queries, limit) in enumerate(drawn)
    )  # fmt: skip


def _reached(names: Mapping[str, str]) -> Iterator[Drawn]:
    up = [Query(expr='up{job="gateway"}', legend="gateway"), Query(expr="advisor:engine_reachable", legend="engine")]
    if names:
        up.append(Query(expr='up{job="engine"}', legend="engine's metrics"))
    yield "Up", "none", tuple(up), None


def _of_engine(plan: Plan, names: Mapping[str, str]) -> Iterator[Drawn]:
    candidate, asked = plan.estimate.candidate, plan.workload
    in_flight = (
        Query(expr="advisor:requests_running", legend="running"),
        Query(expr="advisor:requests_waiting", legend="waiting"),
    )
    yield "Requests in flight (line: slots)", "none", in_flight, float(candidate.max_in_flight * candidate.replicas)
    yield "KV cache in use", "percentunit", (Query(expr="advisor:kv_cache_usage:max", legend="fullest"),), 1.0
    yield "Time to first token (line: target)", "s", _both("ttft"), _seconds(asked.ttft_ms)
    yield "Time per output token (line: target)", "s", _both("tpot"), _seconds(asked.tpot_ms)
    tokens = (
        Query(expr="advisor:output_tokens:rate5m", legend="output"),
        Query(expr="advisor:prompt_tokens:rate5m", legend="prompt"),
    )
    yield "Tokens per second", "none", tokens, None
    waits = Query(expr=quantile("0.95", names["queue_time"], ENGINE), legend="95 % wait at most")
    whole = Query(expr=quantile("0.95", names["whole_time"], ENGINE), legend="95 % are done in")
    yield "Waiting and whole time", "s", (waits, whole), None
    yield "Preemptions per second", "none", (Query(expr="advisor:preemptions:rate5m", legend="preempted"),), None
    hits = f"sum(rate({names['prefix_hits']}{ENGINE}[5m])) / sum(rate({names['prefix_queries']}{ENGINE}[5m]))"
    yield "Prompt tokens found in the prefix cache", "percentunit", (Query(expr=hits, legend="found"),), None
    ended = f"sum by (finished_reason) (rate({names['finished']}{ENGINE}[5m]))"
    yield "Answers per second, by how they end", "none", (Query(expr=ended, legend="{{finished_reason}}"),), None


def _in_its_place(plan: Plan) -> Iterator[Drawn]:
    candidate = plan.estimate.candidate
    slots = float(candidate.max_in_flight * candidate.replicas)
    in_flight = (Query(expr="advisor:front_in_flight", legend="running and waiting"),)
    yield "Requests in flight (line: slots)", "none", in_flight, slots
    yield "Time to first byte (line: target)", "s", _both("ttft"), _seconds(plan.workload.ttft_ms)


def _front() -> Iterator[Drawn]:
    coded = (Query(expr="advisor:front_requests:rate5m", legend="{{code}}"),)
    yield "Requests per second at the gateway, by code", "none", coded, None
    shares = (
        Query(expr="advisor:front_failed:ratio5m", legend="failed"),
        Query(expr="advisor:front_refused:ratio5m", legend="refused (503)"),
    )
    yield "Failed and refused at the gateway", "percentunit", shares, None


def _both(what: str) -> tuple[Query, Query]:
    return (
        Query(expr=f"advisor:{what}_seconds:p50_5m", legend="half are below"),
        Query(expr=f"advisor:{what}_seconds:p95_5m", legend="95 % are below"),
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
