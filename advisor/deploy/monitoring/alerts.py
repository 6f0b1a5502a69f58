"""The alert rules: thresholds from the plan, and what a person does when one fires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.deploy.monitoring.exporters import host_alerts
from advisor.deploy.monitoring.facts import Alert
from advisor.deploy.monitoring.signals import ENGINE, FRONT, LONGEST_FRONT_BUCKET_S, WINDOW
from advisor.engines.admission import admitted
from advisor.engines.ways import logs, ways_of
from advisor.schema import Plan
from advisor.units import count, ms

KV_NEARLY_FULL = 0.95
MOST_FAILED = 0.02  # share of requests
MOST_REFUSED = 0.01


def alerts(plan: Plan, names: Mapping[str, str]) -> tuple[Alert, ...]:
    """All alerts; `names` are the engine's metrics by what they tell, empty where it exports none."""
    return (*_down(plan, names), *_load(plan, names), *_latency(plan, names), *_front(plan), *host_alerts(plan))


def _gone(job: str) -> str:
    """Nothing answers, or nothing is there that could: pods that are gone leave no series that could be 0."""
    return f'up{{job="{job}"}} == 0 or absent(up{{job="{job}"}})'


def _again(plan: Plan) -> str:
    """Who starts an engine that has ended."""
    alone = ways_of(plan) == ("native",)
    return "./run.sh starts it again" if alone else "it starts again by itself unless it was stopped"


def _down(plan: Plan, names: Mapping[str, str]) -> Iterator[Alert]:
    if names and "replicas" in plan.parts:
        yield Alert(
            name="ReplicaDown", expr=_gone("engine"), for_s=60, severity="warning",
            summary="one of the engines does not answer; the others share its load",
            todo=f"{logs(plan, 'engine')} and those of engine-2 and on; {_again(plan)}, alone",
        )  # fmt: skip
    elif names:
        yield Alert(
            name="EngineDown", expr=_gone("engine"), for_s=60, severity="critical",
            summary="the engine does not answer",
            todo=f"{logs(plan, 'engine')}; {_again(plan)}, and loading takes minutes",
        )  # fmt: skip
    yield Alert(
        name="EngineUnreachable", expr="advisor:engine_reachable == 0", for_s=60, severity="critical",
        summary="the gateway's health probe of the engine fails, so every request gets 503",
        todo=f"{logs(plan, 'engine')}; while it loads this is as it should be",
    )  # fmt: skip
    yield Alert(
        name="GatewayDown", expr=_gone("gateway"), for_s=60, severity="critical",
        summary="the gateway does not answer: nobody beyond this machine is served",
        todo=logs(plan, "gateway"),
    )  # fmt: skip


def _load(plan: Plan, names: Mapping[str, str]) -> Iterator[Alert]:
    candidate = plan.estimate.candidate
    slots = candidate.max_in_flight * candidate.replicas
    room = admitted(plan.estimate, plan.workload) - slots
    if names:
        waiting, most = "advisor:requests_waiting", room // 2
    else:
        waiting, most = "advisor:front_in_flight", slots + room // 2
    yield Alert(
        name="QueueGrowing", expr=f"{waiting} > {most} and deriv({waiting}[5m]) > 0", for_s=300, severity="warning",
        summary=f"requests come faster than they are answered: {slots} run at once, {room} may wait, then 503 follows",
        todo="more requests than were planned for: plan again with what the dashboard shows, or add a replica",
    )  # fmt: skip
    if not names:
        yield Alert(
            name="NoProgress",
            expr="advisor:front_in_flight > 0 and "
            f"sum(increase(caddy_http_request_duration_seconds_count{{{FRONT}}}[10m])) == 0",
            for_s=300, severity="critical", summary="requests are in flight and none has been answered for ten minutes",
            todo=f"{logs(plan, 'engine')}; restart the engine",
        )  # fmt: skip
        return
    yield Alert(
        name="NoProgress", expr=_stands(plan, names),
        for_s=180, severity="critical", summary="requests are running and no token comes out",
        todo=f"{logs(plan, 'engine')}; restart the engine",
    )  # fmt: skip
    yield Alert(
        name="KvCacheNearlyFull", expr=f"advisor:kv_cache_usage:max > {KV_NEARLY_FULL}", for_s=300, severity="warning",
        summary=f"the KV cache ({count(plan.estimate.memory.kv_tokens)} tokens planned) is nearly full: "
        "requests will wait or be preempted",
        todo="requests are longer, or more at once, than planned: plan again with a longer context or more users",
    )  # fmt: skip
    yield Alert(
        name="Preemptions", expr="advisor:preemptions:rate5m > 0", for_s=600, severity="warning",
        summary="running requests are thrown out of the KV cache and computed again",
        todo="fewer slots (--max-num-seqs) or more KV cache; plan again",
    )  # fmt: skip


def _stands(plan: Plan, names: Mapping[str, str]) -> str:
    """Requests run and no token comes out: of several engines one that stands, which the others would hide in a sum."""
    if "replicas" not in plan.parts:
        return "advisor:requests_running > 0 and advisor:output_tokens:rate5m + advisor:prompt_tokens:rate5m == 0"
    running = f"sum by (instance) ({names['running']}{ENGINE})"
    rates = (
        f"sum by (instance) (rate({names[what]}{ENGINE}[{WINDOW}]))" for what in ("output_tokens", "prompt_tokens")
    )
    return f"{running} > 0 and {' + '.join(rates)} == 0"


def _latency(plan: Plan, names: Mapping[str, str]) -> Iterator[Alert]:
    asked = plan.workload
    if asked.ttft_ms is not None and (names or asked.ttft_ms / 1000 < LONGEST_FRONT_BUCKET_S):
        what = "first tokens" if names else "first bytes (of streams, first tokens)"
        yield Alert(
            name="TtftOverTarget", expr=f"advisor:ttft_seconds:p95_5m > {asked.ttft_ms / 1000:g}", for_s=600,
            severity="warning",
            summary=f"one in twenty {what} comes later than the target of {ms(asked.ttft_ms / 1000)}",
            todo="see whether requests wait (queue) or prompts are longer than planned",
        )  # fmt: skip
    if asked.tpot_ms is not None and names:
        yield Alert(
            name="TpotOverTarget", expr=f"advisor:tpot_seconds:p95_5m > {asked.tpot_ms / 1000:g}", for_s=600,
            severity="warning",
            summary=f"one in twenty answers takes longer than the target of {ms(asked.tpot_ms / 1000)} a token",
            todo="more run at once than planned: fewer slots, or another replica",
        )  # fmt: skip


def _front(plan: Plan) -> Iterator[Alert]:
    yield Alert(
        name="RequestsFail", expr=f"advisor:front_failed:ratio5m > {MOST_FAILED}", for_s=300, severity="critical",
        summary=f"more than {MOST_FAILED:.0%} of the requests end in an error of the server",
        todo=f"{logs(plan, 'engine')}; {logs(plan, 'gateway')} shows each request with its code",
    )  # fmt: skip
    yield Alert(
        name="RequestsRefused", expr=f"advisor:front_refused:ratio5m > {MOST_REFUSED}", for_s=300, severity="warning",
        summary=f"more than {MOST_REFUSED:.0%} of the requests are refused with 503: too many at once, or no engine",
        todo="plan again with what the dashboard shows, or add a replica",
    )  # fmt: skip
