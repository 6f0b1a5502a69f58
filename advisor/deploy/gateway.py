"""The gateway in front of the engine: keys, allowed paths, limits."""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.schema import Check, Plan


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """Not yet."""
    return False


def possible(plan: Plan) -> str:  # noqa: ARG001
    """Not yet."""
    return "it is not built yet"


def facts(plan: Plan) -> object:  # noqa: ARG001
    """Nothing yet."""
    return None


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """Nothing yet."""
    return ()


def checks(plan: Plan) -> tuple[Check, ...]:  # noqa: ARG001
    """Nothing yet."""
    return ()
