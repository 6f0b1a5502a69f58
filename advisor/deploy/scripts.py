"""The engine's own program on this machine: run.sh is the engine's template, stop.sh ends what it started."""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.schema import Check, Plan


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """A way to run is asked for by `run`, never wanted by itself."""
    return False


def possible(plan: Plan) -> str:  # noqa: ARG001
    """Everywhere."""
    return ""


def facts(plan: Plan) -> bool:  # noqa: ARG001
    """Nothing but that it is there."""
    return True


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """None of its own."""
    return ()


def checks(plan: Plan) -> tuple[Check, ...]:  # noqa: ARG001
    """None of its own."""
    return ()
