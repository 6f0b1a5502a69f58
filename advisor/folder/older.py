"""Plans of older versions: what their keys meant, in the words of this one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from advisor.engines.ways import ways_of
from advisor.schema import Plan


def is_older(data: object) -> bool:
    """Whether a plan's JSON is from before a plan had one way to run, and `air_gapped`."""
    workload = data.get("workload") if isinstance(data, dict) else None
    return isinstance(workload, dict) and "run" not in workload


def in_todays_words(data: Any) -> Any:
    """An older plan's JSON: `offline` meant that the deployment never reaches out."""
    workload = {**data["workload"], "air_gapped": data["workload"].get("offline", False)}
    desk = data.get("desk")
    return {**data, "workload": workload, "desk": in_todays_words(desk) if is_older(desk) else desk}


def with_its_ways(plan: Plan) -> Plan:
    """Compose and scripts were written for every plan."""
    desk = plan.desk and with_its_ways(plan.desk)
    return replace(plan, parts=(*ways_of(replace(plan, parts=())), *plan.parts), desk=desk)
