"""The files that only Ollama has."""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.engines.builds import has_image
from advisor.engines.ways import ON_HOST
from advisor.schema import Plan


def placements(plan: Plan) -> tuple[Placement, ...]:
    """Modelfile and run.sh; Compose where containers get the device (not on a Mac) and no other server is used."""
    files = [
        Placement("ollama/Modelfile.j2", "Modelfile", ways=("compose", *ON_HOST)),
        Placement("ollama/run.sh.j2", "run.sh", executable=True, ways=("native",)),
        Placement("ollama/run.ps1.j2", "run.ps1", ways=("native",), systems=("windows",)),
        Placement("ollama/stop.ps1.j2", "stop.ps1", ways=("native",), systems=("windows",)),
    ]
    if has_image(plan) and plan.launch.server == "own":
        files.insert(0, Placement("ollama/compose.yaml.j2", "compose.yaml", ways=("compose",)))
    return tuple(files)
