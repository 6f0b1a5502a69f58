"""The files that only vLLM has."""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.engines.builds import has_image
from advisor.engines.downloads import fetches
from advisor.schema import Plan


def placements(plan: Plan) -> tuple[Placement, ...]:
    """run.sh, for a server the fetch before it, and Compose where a pinned image serves the device.

    There is none for Apple and Intel GPUs. None of them starts an engine that lies on several machines:
    `advisor/deploy/nodes.py` has its commands.
    """
    if plan.estimate.candidate.nodes_of_replica > 1:
        return ()
    files = [Placement("vllm/run.sh.j2", "run.sh", executable=True, ways=("native",))]
    if plan.serves_others and fetches(plan):
        files.append(Placement("vllm/fetch_here.sh.j2", "fetch.sh", executable=True, ways=("native",)))
    if has_image(plan):
        files.insert(0, Placement("vllm/compose.yaml.j2", "compose.yaml", ways=("compose",)))
    return tuple(files)
