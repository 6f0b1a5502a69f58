"""Engines that answer on this machine now, with their models."""

from __future__ import annotations

from advisor.engines import ENGINES
from advisor.schema import RunningEngine


def running_engines() -> tuple[RunningEngine, ...]:
    """Every engine of the registry that answers at its usual port on loopback; nothing else is asked."""
    found = (engine.observer().running() for engine in ENGINES.values())
    return tuple(answering for answering in found if answering is not None)
