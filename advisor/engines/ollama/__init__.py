"""Ollama: a plug-in of plain functions that satisfies `advisor.engines.base.Engine`."""

from __future__ import annotations

from advisor.catalog import engine_limits
from advisor.catalog.entries import EngineLimits
from advisor.engines.ollama.checks import checks
from advisor.engines.ollama.launch import container, launch
from advisor.engines.ollama.memory import memory
from advisor.engines.ollama.placements import placements
from advisor.engines.ollama.propose import propose
from advisor.engines.ollama.ready import files_of, ready
from advisor.engines.ollama.settings import settings
from advisor.engines.ollama.sizing import as_installed, resize
from advisor.engines.ollama.speed import speed

__all__ = [
    "as_installed",
    "checks",
    "container",
    "files_of",
    "launch",
    "limits",
    "memory",
    "placements",
    "propose",
    "ready",
    "resize",
    "settings",
    "speed",
]


def limits() -> EngineLimits:
    """What the pinned version accepts."""
    return engine_limits("ollama")
