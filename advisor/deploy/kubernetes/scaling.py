"""How many pods: bounds from the plan, on the queue that the engine reports."""

from __future__ import annotations

import json
import math

from advisor.deploy import monitoring, nodes
from advisor.deploy.kubernetes.manifest import Scaling
from advisor.deploy.kubernetes.patience import startup_s
from advisor.schema import Plan

HEADROOM = 2  # times the planned number of pods, at most
LONGEST_UP_S, SHORTEST_DOWN_S, LONGEST_DOWN_S = 1800, 300, 3600  # the API's own bounds, and its default


def scaling(plan: Plan, pods: int, name: str) -> Scaling | None:
    """Bounds and threshold on the requests that wait for a slot; None for groups of machines.

    None too where the engine reports no queue: processor and card look equally busy with one request and a hundred.
    """
    metric = monitoring.exported(plan.engine).get("waiting")
    if metric is None or nodes.spanning(plan):
        return None
    estimate = plan.estimate
    average = estimate.in_flight / max(estimate.peak_in_flight, 1)
    start = startup_s(plan)
    return Scaling(
        metric=metric,
        metric_renamed=metric.replace(":", "_"),
        query=f"sum({metric}{{job={json.dumps(f'{name}-engine')},model_name={json.dumps(plan.launch.served_name)}}})",
        least=min(max(math.ceil(pods * average), 1), pods),
        most=pods * HEADROOM,
        # A quarter of the slots: the wait is then shorter than the answers that run.
        waiting_per_pod=max(estimate.candidate.max_in_flight // 4, 1),
        up_every_s=min(start, LONGEST_UP_S),
        down_after_s=min(max(start, SHORTEST_DOWN_S), LONGEST_DOWN_S),
    )
