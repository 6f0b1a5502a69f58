"""vLLM: a plug-in of plain functions that satisfies `advisor.engines.base.Engine`."""

from __future__ import annotations

from advisor.catalog import engine_limits
from advisor.catalog.entries import EngineLimits
from advisor.engines.vllm.checks import checks
from advisor.engines.vllm.launch import container, launch
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.placements import placements
from advisor.engines.vllm.propose import propose
from advisor.engines.vllm.ready import files_of, ready
from advisor.engines.vllm.settings import settings
from advisor.engines.vllm.sizing import as_installed, resize
from advisor.engines.vllm.speed import speed

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
    return engine_limits("vllm")
