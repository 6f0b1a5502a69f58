"""The files that only vLLM has."""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.schema import Plan


def placements(plan: Plan) -> tuple[Placement, ...]:
    """run.sh, and Compose where a pinned image serves the device (there is none for Apple and Intel GPUs)."""
    files = [Placement("vllm/run.sh.j2", "run.sh", executable=True)]
    if plan.launch.variant not in ("metal", "xpu"):
        files.insert(0, Placement("vllm/compose.yaml.j2", "compose.yaml"))
    return tuple(files)
