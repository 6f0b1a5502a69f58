"""The steps under load: each level in turn, the ramp, the metrics, and the stop in the middle of answers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from advisor.estimate import history_tokens
from advisor.models.thinking import written_tokens
from advisor.smoke.job import Failed, Job, Skipped, Stopwatch
from advisor.smoke.load.client import Answer, ask
from advisor.smoke.load.generator import Run, drive
from advisor.smoke.load.prompts import Scale
from advisor.smoke.load.ramp import ramp as climb
from advisor.smoke.load.stats import QUIET, LoadResult
from advisor.smoke.runners.processes import busy_seconds, listener
from advisor.smoke.steps.talking import long_prompt, only_text, scrape
from advisor.units import count, ms

_STOP_TOKENS = 64
_RAMP_S = 600.0


def load_step(level: int, *, warm: bool = False) -> Callable[[Job], Awaitable[str]]:
    """A step that runs the planned prompts and answers with `level` requests in flight.

    Warm: what is history in them was read before, as in a conversation that goes on.
    """

    async def step(job: Job) -> str:
        only_text(job)
        if not job.options.load:
            raise Skipped("left out on request")
        result = await run_level(job, level, warm=warm)
        job.loads.append(result)
        held: int | None = await asyncio.to_thread(job.runner.memory_bytes)
        job.memory_bytes = max(job.memory_bytes or 0, held or 0) or None
        if result.errors:
            kinds = ", ".join(f"{n} x {kind}" for kind, n in result.errors.items())
            raise Failed(f"{kinds} of {result.requests} requests; the first: {result.first_error[:200]}")
        return told(result)

    return step


async def run_level(job: Job, level: int, seconds: float | None = None, *, warm: bool = False) -> LoadResult:
    """One closed loop at `level` in flight, with prompts nobody has sent before."""
    work = job.plan.workload
    requests = max(job.options.requests_per_client * level, 6)
    run = Run(
        in_flight=level,
        requests=requests,
        input_tokens=work.input_tokens,
        output_tokens=written_tokens(work, job.plan.model),
        shared_prefix_tokens=work.shared_prefix_tokens,
        history_tokens=history_tokens(work, job.plan.model) if warm else 0,
        seed=f"{job.options.seed}/load/{level}/{len(job.loads)}/{id(job)}",
        seconds=seconds or job.options.seconds_per_level,
        targets=job.targets,
    )
    return await driven(job, run)


async def driven(job: Job, run: Run) -> LoadResult:
    """One closed loop on the job's server, with progress, and with what other programs took meanwhile."""
    finished = 0

    def count_one(_: Answer) -> None:
        nonlocal finished
        finished += 1
        said = f"{run.in_flight} in flight: {finished} of {run.requests} requests"
        job.progress.note(said, finished / run.requests)

    before = _processor_time(job)
    result = await drive(job.ready, run, job.scale or Scale(fixed=0, per_word=1), count_one)
    return replace(result, others_share=_others(before, _processor_time(job), result.seconds))


def _processor_time(job: Job) -> tuple[float, float] | None:
    """Seconds used so far by everything, and by the engine and this program."""
    everything, engine = busy_seconds(), job.runner.cpu_seconds()
    return None if everything is None or engine is None else (everything, engine + time.process_time())


def _others(before: tuple[float, float] | None, after: tuple[float, float] | None, seconds: float) -> float | None:
    if before is None or after is None:
        return None
    others = (after[0] - before[0]) - (after[1] - before[1])
    return min(max(others / (seconds * (os.cpu_count() or 1)), 0.0), 1.0)


def told(result: LoadResult) -> str:
    """A load in one line."""
    rate = result.steady_output_tokens_per_s or result.output_tokens_per_s
    parts = [f"{count(rate)} tokens/s out"]
    if result.ttft_s:
        parts.append(f"TTFT {ms(result.ttft_s.mean)} (p95 {ms(result.ttft_s.p95)})")
    if result.tpot_s:
        parts.append(f"TPOT {ms(result.tpot_s.mean)} (p95 {ms(result.tpot_s.p95)})")
    if result.others_share is not None and result.others_share > QUIET:
        parts.append(f"NOT QUIET: other programs took {result.others_share:.0%} of the processor")
    return f"{', '.join(parts)}; {result.completed} requests, {result.good_share:.0%} within the targets"


async def ramp(job: Job) -> str:
    """The highest load that meets the targets."""
    only_text(job)
    if not job.options.ramp:
        raise Skipped("--ramp was not asked for")
    watch = Stopwatch()
    job.found = await climb(
        lambda level: run_level(job, level, job.options.seconds_per_level / 2),
        job.targets,
        most=job.options.ramp_most,
        enough=lambda: watch.seconds > _RAMP_S,
    )
    return f"{job.found.best} in flight meet the targets; {job.found.reason}"


async def metrics(job: Job) -> str:
    """The engine's own counters are there and have counted."""
    if job.observer.METRICS_PATH is None:
        raise Skipped("this engine has no metrics")
    figures = job.observer.figures(await scrape(job))
    if not figures:
        raise Failed(f"{job.observer.METRICS_PATH} holds none of the metrics that monitoring needs")
    job.metrics = dict(figures)
    return ", ".join(f"{name.rpartition(':')[2]} {count(value)}" for name, value in list(figures.items())[:4])


async def stop(job: Job) -> str:
    """Stopped in the middle of answers: they finish where the plan gives them time, else they are cut."""
    if job.plan.launch.server == "running":
        await asyncio.to_thread(job.runner.stop)
        job.stopped = True
        raise Skipped("the server is its owner's and goes on; the model was unloaded")
    if job.plan.workload.pooled or job.scale is None:
        await asyncio.to_thread(job.runner.stop)
        job.stopped = True
        return "stopped"
    first = asyncio.Event()
    clients = min(job.planned, 4)
    asked = [
        asyncio.create_task(
            ask(job.ready, long_prompt(job, 32, f"stop/{number}"), _STOP_TOKENS, on_token=first.set, timeout_s=300)
        )
        for number in range(clients)
    ]
    waits = asyncio.create_task(first.wait())
    await asyncio.wait([waits, *asked], return_when=asyncio.FIRST_COMPLETED, timeout=120)
    waits.cancel()
    watch = Stopwatch()
    await asyncio.to_thread(job.runner.stop)
    job.stopped = True
    seconds = watch.seconds
    answers = await asyncio.gather(*asked)
    whole = sum(answer.error is None for answer in answers)
    drain = job.plan.launch.drain_s
    said = f"stopped in {seconds:.1f} s; {whole} of {clients} answers under way finished"
    if drain and whole < clients:
        cut = next(answer for answer in answers if answer.error is not None)
        raise Failed(f"{said}, all were to within {drain} s: {cut.detail}")
    return f"{said}, {clients - whole} were cut" + ("" if drain else " as planned: this engine cuts them")


async def clean(job: Job) -> str:
    """Nothing that was started still runs, and the port is free again."""
    left = await asyncio.to_thread(job.runner.leftovers)
    port = job.plan.launch.port
    if job.plan.launch.server == "own" and listener(port):
        left.append(f"something still listens on port {port}")
    if left:
        raise Failed("; ".join(left[:6]) + ("" if len(left) <= 6 else f" and {len(left) - 6} more"))
    after = "is free" if job.plan.launch.server == "own" else "still answers"
    return f"nothing left running, port {port} {after}"
