"""What the steps of one smoke test share, and how a step says how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from advisor.engines.observing import Effective, Observer
from advisor.measured.correction import Measurements
from advisor.schema import Corrections, Plan
from advisor.smoke.load.client import Server
from advisor.smoke.load.prompts import Scale
from advisor.smoke.load.ramp import Ramp
from advisor.smoke.load.stats import LoadResult, Targets
from advisor.smoke.outcome import StepResult
from advisor.smoke.runners.base import Runner


class Failed(Exception):
    """The step failed; its text is for a person."""


class Skipped(Exception):
    """The step does not apply; its text says why."""


@dataclass(frozen=True)
class Options:
    """How much a smoke test does."""

    levels: tuple[int, ...] = ()  # in flight; empty: 1, half, planned and double
    seconds_per_level: float = 45.0
    requests_per_client: int = 6
    ramp: bool = False
    ramp_most: int = 256
    seed: str = "advisor"
    load: bool = True
    prefix_cached: bool = False  # each load once more, with the history of its prompts read before
    trust_files: bool = False  # run what lies in the folder, whoever wrote it
    startup_s: float | None = None  # patience; None: as planned, by the model's size


class Progress:
    """Told what goes on; this one says nothing."""

    def step(self, name: str) -> None:
        """A step begins."""

    def note(self, text: str, share: float | None = None) -> None:
        """What the step is doing; `share` of it that is done, 0…1."""

    def done(self, result: StepResult) -> None:
        """The step has ended."""


@dataclass
class Job:
    """One smoke test under way."""

    plan: Plan
    folder: Path
    runner: Runner
    observer: Observer
    options: Options = field(default_factory=Options)
    progress: Progress = field(default_factory=Progress)
    measurements: Corrections = field(default_factory=Measurements)  # what the prediction is corrected by
    server: Server | None = None
    scale: Scale | None = None
    version: str = ""
    effective: Effective | None = None
    loads: list[LoadResult] = field(default_factory=list)
    found: Ramp | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    memory_bytes: int | None = None
    oom_kills_before: int | None = None
    stopped: bool = False  # as the last steps do
    ended: bool = False  # by itself, before that

    @property
    def ready(self) -> Server:
        """The server; only asked for after `healthy`."""
        if self.server is None:
            raise Failed("there is no server to ask")
        return self.server

    @property
    def planned(self) -> int:
        """Requests in flight of the plan, on average."""
        return max(1, round(self.plan.in_flight))

    @property
    def levels(self) -> tuple[int, ...]:
        """The loads to run: 1, half, planned and double, or what was asked for."""
        if self.options.levels:
            return self.options.levels
        return tuple(sorted({1, max(1, self.planned // 2), self.planned, 2 * self.planned}))

    @property
    def warm_levels(self) -> tuple[int, ...]:
        """The loads to run once more with conversations that go on."""
        return self.levels if self.options.prefix_cached and self.plan.workload.history_tokens else ()

    @property
    def targets(self) -> Targets:
        """The workload's targets, in seconds."""
        work = self.plan.workload
        return Targets(
            ttft_s=None if work.ttft_ms is None else work.ttft_ms / 1000,
            tpot_s=None if work.tpot_ms is None else work.tpot_ms / 1000,
        )


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    @property
    def seconds(self) -> float:
        """So far."""
        return self._clock() - self._start
