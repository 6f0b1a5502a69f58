"""One look at one plan: its engine is started from files of its own, driven with the planned load, and stopped."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from advisor.errors import EnvironmentFailed
from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from advisor.schema import Plan
from advisor.smoke.around import around
from advisor.smoke.job import Failed, Job, Options, Progress, Stopwatch
from advisor.smoke.load.generator import MOST_REQUESTS, calibrate
from advisor.smoke.load.ramp import ramp as climb
from advisor.smoke.load.stats import LoadResult
from advisor.smoke.outcome import SmokeReport
from advisor.smoke.run import Step, smoke
from advisor.smoke.runners import runner_for
from advisor.smoke.runners.compose import OVERRIDES
from advisor.smoke.steps import loading
from advisor.smoke.trust import SOURCED

T = TypeVar("T")
_STOP_S = 0.15  # of the time that is left, kept for stopping
_LEAST_GOOD = 0.01  # of the requests, where none is within the targets: faster is still better


@dataclass
class Looks:
    """How a trial is looked at, and what the looks at each gave."""

    folder: Path  # whose .env and own files are taken along
    runner: str
    progress: Progress
    ramp: bool = False
    seed: str = "advisor"
    reports: dict[str, SmokeReport] = field(default_factory=dict)  # the last of each
    errors: list[str] = field(default_factory=list)

    @property
    def unit(self) -> str:
        """Of a score."""
        return "in flight within the targets" if self.ramp else "tokens/s within the targets"

    def at(self, name: str, plan: Plan, seconds: float, left_s: float) -> float | None:
        """Start it, drive it, stop it.

        Args:
            name: of the trial.
            plan: of it.
            seconds: of load.
            left_s: seconds that all of it may take.

        Returns:
            tokens a second of requests within the targets; with a ramp, requests in flight within them; None: failed.

        Raises:
            KeyboardInterrupt: it was interrupted; nothing was left running.
        """
        with tempfile.TemporaryDirectory(prefix="advisor-tune-") as place:
            folder = Path(place)
            write_tree(folder, files_of(plan), overwrite=True)
            self._take_along(folder)
            look = Look(seconds, Stopwatch(), (1 - _STOP_S) * left_s, ramp=self.ramp)
            most = max(plan.estimate.peak_in_flight, Options.ramp_most if self.ramp else 1)
            options = Options(
                trust_files=True, startup_s=look.until_s, seed=f"{self.seed}/{name}", seconds_per_level=seconds,
                requests_per_client=max(MOST_REQUESTS // most, 1),  # the time ends a load
            )  # fmt: skip
            report = smoke(
                plan, folder, runner_for(self.runner, plan, folder), options, self.progress, steps=lambda _: steps(look)
            )
        self.reports[name] = report
        failed = next((step for step in report.steps if step.result == "fail"), None)
        if failed is not None:
            detail = failed.detail.replace(
                str(folder), str(self.folder)
            )  # the copy is gone by the time that it is read
            self.errors.append(f"{name}: {failed.name}: {detail}")
        return None if failed is not None else look.score

    def _take_along(self, folder: Path) -> None:
        """What its owner put beside the folder's files: keys, settings of the machine, an override."""
        for name in (*SOURCED, *OVERRIDES):
            if (self.folder / name).is_file():
                shutil.copy(self.folder / name, folder / name)

    def why(self) -> EnvironmentFailed:
        """That the plan itself could not be measured, and the first reason."""
        return EnvironmentFailed(f"nothing could be measured: {self.errors[0] if self.errors else 'no time was left'}")


@dataclass
class Look:
    """One load on one engine."""

    seconds: float
    watch: Stopwatch
    until_s: float
    ramp: bool
    score: float | None = None

    async def warm(self, job: Job) -> str:
        """Count how words become tokens: the first answers of all still load the model."""
        job.scale = await self._in_time(calibrate(job.ready, job.options.seed))
        return "answers"

    async def load(self, job: Job) -> str:
        """The planned load, or the ramp to the highest that meets the targets."""
        if self.ramp:
            watch = Stopwatch()
            found = await self._in_time(
                climb(
                    lambda level: loading.run_level(job, level, self.seconds / 4),
                    job.targets, most=job.options.ramp_most, enough=lambda: watch.seconds > self.seconds,
                )
            )  # fmt: skip
            job.found, self.score = found, float(found.best)
            return f"{found.best} in flight; {found.reason}"
        result = await self._in_time(loading.run_level(job, job.plan.estimate.peak_in_flight, self.seconds))
        job.loads.append(result)
        if result.errors or not result.completed:
            raise Failed(f"{sum(result.errors.values())} of {result.requests} requests failed: {result.first_error}")
        self.score = score(result)
        return loading.told(result)

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await asyncio.wait_for(work, max(self.until_s - self.watch.seconds, 0.1))
        except TimeoutError:
            raise Failed("the time is up: --budget gives more") from None


def score(result: LoadResult) -> float:
    """Tokens a second, as far as requests were within the targets."""
    rate = result.steady_output_tokens_per_s or result.output_tokens_per_s
    return rate * max(result.good_share, _LEAST_GOOD)


def steps(look: Look) -> tuple[Step, ...]:
    """From the start of the engine to its stop."""
    return around(Step("warm up", look.warm, needed=True), Step("load", look.load))
