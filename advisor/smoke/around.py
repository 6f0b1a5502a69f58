"""From the start of an engine to its stop, with other steps between: a short benchmark, or a trial of settings."""

from __future__ import annotations

import asyncio

from advisor.smoke.job import Job
from advisor.smoke.run import Step
from advisor.smoke.steps import loading, starting


def around(*between: Step) -> tuple[Step, ...]:
    """The engine is started and serves its model; these steps; what was started ends."""
    return (
        Step("preflight", starting.preflight, needed=True, environment=True),
        Step("start", starting.start, needed=True, environment=True),
        Step("healthy", starting.healthy, needed=True, environment=True),
        Step("models", starting.served, needed=True),
        *between,
        Step("stop", _stop),
        Step("clean", loading.clean),
    )


async def _stop(job: Job) -> str:
    """What was started ends; a server that ran before goes on, and lets the model go."""
    await asyncio.to_thread(job.runner.stop)
    job.stopped = True
    return "stopped" if job.plan.launch.server == "own" else "the server goes on without the model"
