"""vLLM: a plug-in of plain functions that satisfies `advisor.engines.base.Engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.catalog import engine_limits
from advisor.catalog.entries import EngineLimits
from advisor.engines.vllm.best import best
from advisor.engines.vllm.chart import chart
from advisor.engines.vllm.checks import checks
from advisor.engines.vllm.launch import container, launch, one_replica
from advisor.engines.vllm.levers import levers
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.placements import placements
from advisor.engines.vllm.propose import propose
from advisor.engines.vllm.ray import on_ray
from advisor.engines.vllm.ready import files_of, ready
from advisor.engines.vllm.settings import settings
from advisor.engines.vllm.sizing import as_installed, resize
from advisor.engines.vllm.speed import speed
from advisor.engines.vllm.supplies import supplies
from advisor.schema import Plan, Setting

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
    return engine_limits("vllm")


def preparation(plan: Plan) -> None:
    """The model is loaded as the engine starts."""


def to_set(settings: tuple[Setting, ...], version: str) -> tuple[Setting, ...]:  # noqa: ARG001
    """Nothing: a running vLLM serves what it was started with, and is left alone."""
    return ()


def set_commands(plan: Plan) -> tuple[str, ...]:  # noqa: ARG001
    """None."""
    return ()


def observer() -> Observer:
    """Its log, its metrics, and what its API is like."""
    from advisor.engines.vllm import observe  # most answers look at no running server

    return observe
