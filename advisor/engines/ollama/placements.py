"""The files that only Ollama has."""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.engines.builds import has_image
from advisor.schema import Plan


def placements(plan: Plan) -> tuple[Placement, ...]:
    """Modelfile and run.sh; Compose where containers get the device (not on a Mac) and no other server is used."""
    files = [
        Placement("ollama/Modelfile.j2", "Modelfile"),
        Placement("ollama/run.sh.j2", "run.sh", executable=True),
    ]
    if has_image(plan) and plan.launch.server == "own":
        files.insert(0, Placement("ollama/compose.yaml.j2", "compose.yaml"))
    return tuple(files)
