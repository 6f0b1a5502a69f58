"""Probes, rollout and end of a pod, timed from the plan's own patience."""

from __future__ import annotations

import math

from advisor.deploy.kubernetes.manifest import Ending, Probe, Probes
from advisor.engines import ENGINES
from advisor.engines.admission import answer_s
from advisor.engines.downloads import download_s
from advisor.models.thinking import written_tokens
from advisor.schema import Plan

PERIOD_S = 10
ENDPOINTS_S = 10  # until every node has taken an ending pod out of its Service
LONGEST_WAIT_S = 300  # for answers of an engine that does not drain by itself
GATEWAY_S = 10  # the gateway ends after the engine
IMAGE_S = 900  # to pull an image of several gigabytes, in the deadline of a rollout
LONGEST_STARTUP_S = 86_400


def startup_s(plan: Plan) -> int:
    """Until the model of a first start can be used: the download and the engine's start."""
    return plan.launch.startup_s + math.ceil(download_s(plan.launch.cache_bytes, plan.workload))


def probes(plan: Plan) -> Probes:
    """Startup waits as long as the plan does, the fetch before it; two minutes without an answer end the container."""
    return Probes(
        startup=Probe(period_s=PERIOD_S, failures=math.ceil(plan.launch.startup_s / PERIOD_S), timeout_s=10),
        model=Probe(period_s=PERIOD_S, failures=math.ceil(plan.launch.startup_s / PERIOD_S), timeout_s=10),
        liveness=Probe(period_s=20, failures=6, timeout_s=15),
        readiness=Probe(period_s=5, failures=3, timeout_s=5),
    )


def deadline_s(plan: Plan) -> int:
    """Until a rollout counts as failed: longer than a pod may need, and than one that ends first."""
    return min(startup_s(plan) + ending(plan).grace_s + IMAGE_S, LONGEST_STARTUP_S)


def ending(plan: Plan) -> Ending:
    """Out of the endpoints first; then the engine's drain, or, where it has none, time for the answers that run."""
    container = ENGINES[plan.engine].container(plan)
    if plan.launch.drain_s:
        wait, why = ENDPOINTS_S, f"the engine gives requests in flight {plan.launch.drain_s} s after that"
    else:
        wait = ENDPOINTS_S + wait_s(plan)
        why = "this engine cuts requests at SIGTERM, so the pod waits as long as two answers take"
    engine_s = max(container.grace_s, plan.launch.drain_s + PERIOD_S)
    return Ending(pre_stop_s=wait, grace_s=wait + engine_s + GATEWAY_S, because=why)


def wait_s(plan: Plan) -> int:
    """Twice the time of one whole answer at peak, at most `LONGEST_WAIT_S`."""
    answer = answer_s(plan.estimate, written_tokens(plan.workload, plan.model))
    return LONGEST_WAIT_S if answer is None else min(math.ceil(2 * answer), LONGEST_WAIT_S)
