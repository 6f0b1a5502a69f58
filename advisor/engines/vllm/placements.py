"""The files that only vLLM has."""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.schema import Plan


def placements(plan: Plan) -> tuple[Placement, ...]:
    """Compose (where containers get the device) and run.sh."""
    files = [Placement("vllm/run.sh.j2", "run.sh", executable=True)]
    if plan.launch.variant != "metal":
        files.insert(0, Placement("vllm/compose.yaml.j2", "compose.yaml"))
    return tuple(files)
