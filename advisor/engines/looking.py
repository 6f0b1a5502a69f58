"""What is seen of an engine at one moment. None, and a reason in `gaps`, for what the engine does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from advisor.schema import value

Histogram = tuple[tuple[float, float], ...]  # upper bounds in seconds, and how many were at most that


@value
class Loaded:
    """A model that lies in memory."""

    name: str
    held_bytes: int | None = None
    gpu_bytes: int | None = None
    context_tokens: int | None = None
    slots: int | None = None
    running: int | None = None  # of its requests


@value
class Reading:
    """One look at an engine."""

    at_s: float  # since 1970
    running: int | None = None  # requests that are answered
    waiting: int | None = None  # requests that have come and are not
    deferred: int | None = None  # of those: for another reason than that there is no room
    slots: int | None = None  # requests that can run at once
    kv_used: float | None = None  # share of the KV cache
    loaded: tuple[Loaded, ...] = ()
    totals: Mapping[str, float] = field(default_factory=dict)  # counters since the start of engine or watch
    ttft: Histogram = ()
    tpot: Histogram = ()
    gaps: tuple[str, ...] = ()  # what cannot be seen, and why

    @property
    def in_flight(self) -> int | None:
        """Running and waiting, as far as both are told."""
        return None if self.running is None else self.running + (self.waiting or 0)


class Reader(Protocol):
    """How one engine is looked at, again and again."""

    def read(self, now_s: float) -> Reading:
        """One look; `now_s` is since 1970.

        Raises:
            EnvironmentFailed: it does not answer any more.
        """
        ...
