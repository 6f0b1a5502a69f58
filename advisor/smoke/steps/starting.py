"""The steps until the engine answers: preflight, start, healthy, and the name it serves."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from advisor.edge.reading import read_text
from advisor.engines.observing import named
from advisor.errors import BadInput
from advisor.smoke.causes import cause_of
from advisor.smoke.job import Failed, Job, Stopwatch
from advisor.smoke.load.client import Server
from advisor.smoke.load.events import at, mappings
from advisor.smoke.load.http import Broken, fetch_json
from advisor.smoke.runners.processes import kills_for_memory, listener
from advisor.units import GIB, MIB, gib

_SPARE_S = 120  # beyond the plan's patience: making and loading the model after the server is up
_SPARE_DISK_BYTES = 1 * GIB


async def preflight(job: Job) -> str:
    """Programs and files are there, the port is free, memory and disk suffice, the model is present."""
    left = await asyncio.to_thread(job.runner.recover)
    plan, wrong = job.plan, job.runner.problems()
    if plan.launch.server == "own" and listener(plan.launch.port):
        wrong.append(f"port {plan.launch.port} is taken: stop what listens there")
    if plan.model.path and not Path(plan.model.path).exists():
        wrong.append(f"missing model: {plan.model.path} does not exist")
    wrong += filter(None, (_disk(job), _memory(job)))
    if wrong:
        raise Failed("; ".join(wrong))
    port = "free" if plan.launch.server == "own" else "answers"
    ended = "; what a killed run had left was ended first" if left else ""
    return f"port {plan.launch.port} {port}, {job.runner.name} runner, model {plan.launch.model_ref}{ended}"


def _disk(job: Job) -> str | None:
    """A local model may be copied into the engine's own store; one of the Hub or the library is downloaded."""
    wanted = job.plan.launch.cache_bytes // (4 if job.plan.model.path else 1) + _SPARE_DISK_BYTES
    free = shutil.disk_usage(job.folder).free
    return f"disk full: {gib(free)} free at {job.folder}, {gib(wanted)} wanted" if free < wanted else None


def _memory(job: Job) -> str | None:
    """What a plan for the CPU needs has to be available now."""
    estimate = job.plan.estimate
    if estimate.candidate.device != "cpu":
        return None
    needs = estimate.memory.used_bytes
    available = available_bytes()
    if available is None or available >= needs:
        return None
    return f"out of memory: {gib(available)} available, {gib(needs)} planned"


def available_bytes() -> int | None:
    """Memory a new process could take now, within the limit of this control group; None where nothing tells."""
    from advisor.probe import cgroup
    from advisor.probe.host import Host

    rooms = [cgroup.read(Host()).memory_available_bytes]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    rooms += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return min((room for room in rooms if room is not None), default=None)


async def start(job: Job) -> str:
    """The deployment's own start instruction is under way."""
    job.oom_kills_before = kills_for_memory()
    try:
        await asyncio.to_thread(job.runner.start)
    except OSError as error:
        raise Failed(f"{job.runner.name}: could not be started: {os.strerror(error.errno or 0)}") from error
    return job.runner.begins


async def healthy(job: Job) -> str:
    """The starter ends well within the patience planned for this model's size; the log tells how far it is."""
    watch, patience = Stopwatch(), job.options.startup_s or job.plan.launch.startup_s + _SPARE_S
    said, fetched, last = 0, 0.0, ""
    while (state := job.runner.state()) in ("fetching", "starting"):
        if state == "fetching":
            job.progress.note(f"fetching images, {watch.seconds:.0f} s")
            await asyncio.sleep(job.runner.poll_s)
            fetched = watch.seconds
            continue
        if watch.seconds - fetched > patience:
            raise Failed(f"not healthy in time: {patience:.0f} s; {explain_log(job)}")
        log = await asyncio.to_thread(job.runner.log)
        notes = [note for line in log[said:].splitlines() if (note := job.observer.progress(line))]
        said, last = len(log), notes[-1] if notes else last
        job.progress.note(last, min((watch.seconds - fetched) / patience, 1.0))
        await asyncio.sleep(job.runner.poll_s)
    if state == "failed":
        raise Failed(explain_log(job))
    launch = job.plan.launch
    job.server = Server(
        base_url=f"http://127.0.0.1:{launch.port}",
        model=launch.served_name,
        exact_length=job.observer.EXACT_LENGTH,
        key=api_key(job),
    )
    return f"healthy after {watch.seconds:.0f} s"


def explain_log(job: Job) -> str:
    """The cause in the log, the line that shows it, and what to do."""
    before, now = job.oom_kills_before, kills_for_memory()
    kills = now - before if before is not None and now is not None else 0
    kind, line, advice = cause_of(job.runner.log(), kills_for_memory=kills)
    return f"{kind}: {line}. {advice[0].upper()}{advice[1:]}"


def api_key(job: Job) -> str | None:
    """The key of the deployment, from its .env; None where the plan has none."""
    names = [s.name for s in job.plan.settings if s.kind == "env" and s.value is None and s.name.endswith("_API_KEY")]
    if not names:
        return None
    try:
        lines = read_text(job.folder / ".env", most=MIB).splitlines()
    except BadInput:
        raise Failed(f"{names[0]} is not set: {job.folder / '.env'} cannot be read") from None
    for line in lines:
        name, equals, text = line.strip().partition("=")
        if equals and name == names[0]:
            return text.strip().strip("'\"")
    raise Failed(f"{names[0]} is not set in {job.folder / '.env'}")


async def served(job: Job) -> str:
    """`/v1/models` shows the planned name, and the engine tells its version."""
    server = job.ready
    try:
        status, found = await fetch_json("GET", server.url("/v1/models"), headers=server.headers)
        _, version = await fetch_json("GET", server.url(job.observer.VERSION_PATH), headers=server.headers)
    except Broken as error:
        raise Failed(str(error)) from error
    job.version = named(at(version, "version")) or ""
    names = [name for entry in mappings(at(found, "data")) if (name := named(entry.get("id")))]
    matching = [name for name in names if name in (server.model, f"{server.model}:latest")]
    if status != 200 or not matching:
        raise Failed(f"/v1/models answers {status} with {', '.join(names) or 'no model'}; {server.model} was planned")
    running, planned = job.version.split("+")[0], job.plan.engine_version
    other = f" (planned for {planned})" if running and running != planned else ""
    return f"serves {server.model}; version {job.version or 'not told'}{other}"
