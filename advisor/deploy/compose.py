"""Docker Compose: one file for the engine and what stands around it; the file itself is the engine's own template."""

from __future__ import annotations

from advisor.deploy import gateway
from advisor.engines.base import Placement
from advisor.engines.builds import has_image
from advisor.engines.ways import has_compose
from advisor.schema import Check, Plan


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """A way to run is asked for by `run`, never wanted by itself."""
    return False


def possible(plan: Plan) -> str:
    """Where an image reaches the device, and on one machine."""
    if has_compose(plan):
        return ""
    return "Compose knows one machine only" if has_image(plan) else "no image of this version reaches the device"


def facts(plan: Plan) -> bool:
    """Nothing but that it is there: the service is the engine's."""
    return has_compose(plan)


def placements(plan: Plan) -> tuple[Placement, ...]:
    """Of its own only what changes the engine's image behind a gateway that stands in front of others."""
    update = Placement("compose/update.sh.j2", "update-compose.sh", executable=True)
    return (update,) if "gateway" in plan.parts and gateway.always(plan) else ()


def checks(plan: Plan) -> tuple[Check, ...]:  # noqa: ARG001
    """Those of every container are the checklist's own."""
    return ()
