"""`smoke(plan, folder, runner) -> SmokeReport`: a list of small steps, each with result, time and detail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from advisor.engines import ENGINES
from advisor.errors import AdvisorError
from advisor.folder.contents import admit_contents
from advisor.measured.correction import Measurements
from advisor.schema import Corrections, Plan
from advisor.smoke.compare import comparisons
from advisor.smoke.job import Failed, Job, Options, Progress, Skipped, Stopwatch
from advisor.smoke.load.http import Broken
from advisor.smoke.outcome import Result, SmokeReport, StepResult
from advisor.smoke.runners.base import Runner
from advisor.smoke.runners.signals import terminate_is_interrupt, undisturbed
from advisor.smoke.steps import loading, starting, talking
from advisor.smoke.trust import require_ours


class Step(NamedTuple):
    """One step: its work returns what was seen, or raises `Failed` or `Skipped`."""

    name: str
    work: Callable[[Job], Awaitable[str]]
    needed: bool = False  # without it the later steps make no sense
    environment: bool = False  # a failure says that the machine refused


def steps_of(job: Job) -> tuple[Step, ...]:
    """Every step of a smoke test, in order; the last two are always taken."""
    return (
        Step("preflight", starting.preflight, needed=True, environment=True),
        Step("start", starting.start, needed=True, environment=True),
        Step("healthy", starting.healthy, needed=True, environment=True),
        Step("models", starting.served, needed=True),
        Step("chat", talking.chat),
        Step("stream", talking.streamed, needed=True),
        Step("embedding", talking.embedding),
        Step("ranking", talking.ranking),
        Step("longest context", talking.longest),
        Step("beyond context", talking.beyond),
        Step("tool call", talking.tools),
        Step("settings", talking.settings),
        *(Step(f"load {level}", loading.load_step(level)) for level in job.levels),
        *(Step(f"load {level}, warm", loading.load_step(level, warm=True)) for level in job.warm_levels),
        Step("ramp", loading.ramp),
        Step("metrics", loading.metrics),
        Step("stop under load", loading.stop),
        Step("clean", loading.clean),
    )


def smoke(
    plan: Plan,
    folder: Path,
    runner: Runner,
    options: Options | None = None,
    progress: Progress | None = None,
    on_interrupt: Callable[[SmokeReport], None] = lambda _: None,
    measurements: Corrections | None = None,
    steps: Callable[[Job], tuple[Step, ...]] = steps_of,
) -> SmokeReport:
    """Start the deployment, drive it, compare it with its prediction, stop it.

    Whatever happens, what was started is stopped before this returns or raises. An interruption (Ctrl-C, SIGTERM)
    hands what is known so far to `on_interrupt` and is raised again. The prediction is corrected by `measurements`.
    `steps` are those of a whole test, or of another use of the engine.

    Raises:
        BadInput: the folder holds what the plan does not render, or a file without end.
        KeyboardInterrupt: it was interrupted.
    """
    job = Job(
        plan=plan,
        folder=folder,
        runner=runner,
        observer=ENGINES[plan.engine].observer(),
        options=options or Options(),
        progress=progress or Progress(),
        measurements=measurements or Measurements(),
    )
    admit_contents(folder)
    if not job.options.trust_files:
        require_ours(plan, folder)
    began, watch, results = datetime.now(UTC), Stopwatch(), list[StepResult]()
    try:
        with terminate_is_interrupt():
            asyncio.run(_carry_out(job, steps(job), results))
    except KeyboardInterrupt:
        with undisturbed():
            runner.end()
            on_interrupt(_report(job, results, began, watch.seconds))
        raise
    finally:
        with undisturbed():
            runner.end()
    return _report(job, results, began, watch.seconds)


async def _carry_out(job: Job, steps: tuple[Step, ...], results: list[StepResult]) -> None:
    broken: str | None = None
    for step in steps:
        if broken is not None and step.work is not loading.clean:
            result = StepResult(name=step.name, result="skipped", seconds=0.0, detail=f"{broken} failed")
        else:
            job.progress.step(step.name)
            if broken is not None:
                await asyncio.to_thread(job.runner.end)
            result = await _take(step, job)
        results.append(result)
        job.progress.done(result)
        if result.result == "fail" and (step.needed or job.ended) and broken is None:
            broken = step.name


async def _take(step: Step, job: Job) -> StepResult:
    watch = Stopwatch()
    outcome: Result = "pass"
    try:
        detail = await step.work(job)
    except Skipped as skipped:
        outcome, detail = "skipped", str(skipped)
    except (Failed, Broken, AdvisorError, OSError) as failed:
        outcome, detail = "fail", str(failed)
        job.ended = job.server is not None and not (job.stopped or await asyncio.to_thread(job.runner.alive))
        if job.ended:
            detail += f"; the engine has ended: {await asyncio.to_thread(starting.explain_log, job)}"
    return StepResult(
        name=step.name, result=outcome, seconds=watch.seconds, detail=detail, environment=step.environment
    )


def _report(job: Job, results: list[StepResult], began: datetime, seconds: float) -> SmokeReport:
    return SmokeReport(
        plan=job.plan.name,
        engine=job.plan.engine,
        engine_version=job.version or job.plan.engine_version,
        planned_version=job.plan.engine_version,
        model=job.plan.model.hf_id,
        runner=job.runner.name,
        began=began.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=seconds,
        steps=tuple(results),
        effective=job.effective,
        loads=tuple(job.loads),
        ramp=job.found,
        comparisons=comparisons(job),
        metrics=job.metrics,
        memory_bytes=job.memory_bytes,
        hardware=job.plan.hardware,
    )
