"""Ollama: a plug-in of plain functions that satisfies `advisor.engines.base.Engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.catalog import engine_limits
from advisor.catalog.entries import EngineLimits
from advisor.engines.ollama.best import best
from advisor.engines.ollama.chart import chart
from advisor.engines.ollama.checks import checks
from advisor.engines.ollama.launch import container, launch, one_replica
from advisor.engines.ollama.levers import levers
from advisor.engines.ollama.memory import memory
from advisor.engines.ollama.placements import placements
from advisor.engines.ollama.preparation import preparation
from advisor.engines.ollama.propose import propose
from advisor.engines.ollama.ready import files_of, ready
from advisor.engines.ollama.server import set_commands, to_set
from advisor.engines.ollama.settings import settings
from advisor.engines.ollama.sizing import as_installed, resize
from advisor.engines.ollama.speed import speed
from advisor.engines.ollama.supplies import supplies
from advisor.schema import Plan

if TYPE_CHECKING:
    from advisor.engines.observing import Observer

__all__ = [
    "as_installed",
    "best",
    "chart",
    "checks",
    "container",
    "files_of",
    "launch",
    "levers",
    "limits",
    "memory",
    "observer",
    "on_ray",
    "one_replica",
    "placements",
    "preparation",
    "propose",
    "ready",
    "resize",
    "set_commands",
    "settings",
    "speed",
    "supplies",
    "to_set",
]


def limits() -> EngineLimits:
    """What the pinned version accepts."""
    return engine_limits("ollama")


def on_ray(plan: Plan) -> None:
    """Ray's image does not hold it."""


def observer() -> Observer:
    """Its log, and what its API is like."""
    from advisor.engines.ollama import observe  # most answers look at no running server

    return observe
