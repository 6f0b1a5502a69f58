"""What was assumed, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import islice

from advisor.catalog import engine_limits
from advisor.deploy import gateway
from advisor.engines import ENGINES
from advisor.engines.downloads import told
from advisor.models.stretch import longest_context
from advisor.models.thinking import thinking
from advisor.pipeline import Answer
from advisor.schema import Plan
from advisor.units import count, seconds

_BESIDE = "SVC313"  # what runs beside it, and the memory that stays free for it
Step = tuple[str, str]  # what to type, what comes of it


def assumed(answer: Answer, *, typed: bool = True) -> Iterator[str]:
    """The load as it was planned, the model where nobody named one, the machine where it is a made-up one.

    Args:
        typed: for a terminal, where it is said what to type for another or for more; else all of it is told.
    """
    asked, winner = answer.workload, answer.verdict.winner
    thought = thinking(asked, answer.model).tokens
    by = " (--profile)" if typed else ""
    said = f"{asked.profile}{by}: {count(asked.input_tokens)} tokens in, {count(asked.output_tokens)} out"
    said += f", {count(thought)} thought before" if thought else ""
    said += f", for each of {count(asked.passages)} passages" if asked.kind == "rerank" else ""
    if asked.kind == "generate" and asked.context_tokens == longest_context(answer.model):
        said += f", together at most {count(asked.context_tokens)}, all that the model takes"
    if asked.concurrency is None and asked.request_rate is None:
        said += f", {seconds(asked.think_time_s)} between questions"
    if winner is not None and asked.concurrency is None:
        mean, peak = winner.estimate.in_flight, winner.estimate.peak_in_flight
        said += f"; so {count(round(mean, 1))} in flight on average, {count(peak)} at the busiest moment"
    yield said
    yield from (each.message.partition(" (")[0] for each in (winner.findings if winner else ()) if each.rule == _BESIDE)
    if answer.model_because:
        yield f"model: none was named{'; which others would do: --full' if typed else ''}"
    if answer.plan is not None and answer.verdict.meets_targets and (fetched := told(answer.plan)):
        yield fetched if typed else fetched.removesuffix(" (--download-rate)")
    if answer.hardware.assumed and not typed:
        yield f"machine: {'; '.join(answer.hardware.assumed)}"
    elif answer.hardware.assumed:
        first, *more = answer.hardware.assumed
        rest = f"; {len(more)} more: --full" if more else ""
        yield f"machine: {first}{rest}"


def steps(answer: Answer, written: tuple[str, ...], folder: str | None, otherwise: str = "") -> tuple[Step, ...]:
    """Commands in the order in which they are typed, each with what it does; without a folder, what would write one."""
    plan = answer.plan
    if plan is None:
        return (("advisor catalog models", "other models"),) if not answer.verdict.nearest_yes else ()
    if not answer.verdict.meets_targets:
        return _of_a_no(answer, folder)
    if folder is None:
        return ((otherwise, "writes the files"),)
    where = shlex.quote(folder)
    return (*_starts(plan, written, where), *_looks(plan, written, "."))


def _of_a_no(answer: Answer, folder: str | None) -> tuple[Step, ...]:
    """What to ask instead; the plan all the same only where it was written."""
    again = ("the same with a line from above", "makes it a yes") if answer.verdict.nearest_yes else None
    kept = (
        (f"advisor check {shlex.quote(folder)}", "this plan all the same")
        if folder
        else ("--out DIR", "writes this plan")
    )
    return (*([again] if again else []), kept)


def _starts(plan: Plan, written: tuple[str, ...], where: str) -> Iterator[Step]:
    """The first goes into the folder, and the others are typed there."""
    at = f"then {_address(plan)}/v1"
    if plan.launch.server == "running":
        title = engine_limits(plan.engine).title
        yield from _settings_of_running(plan, where)
        start = "; powershell -ExecutionPolicy Bypass -File run.ps1" if "run.ps1" in written else " && ./run.sh"
        yield f"cd {where}{start}", f"the {title} that runs here gets the model, {at}"
        return
    if ".env.example" in written and "gateway" in plan.parts and gateway.always(plan):
        at = f"with a key in .env (README.md), {at}"
    ways = list(_ways(plan, written, at))
    if not ways:
        yield f"cd {where}", "its README.md says how to start it"
    for number, (command, comes) in enumerate(ways):
        both = "; " if command.startswith("powershell") else " && "  # the older PowerShell has no &&
        yield (command, "the same another way") if number else (f"cd {where}{both}{command}", comes)
    if plan.desk is not None:
        there = tuple(path.removeprefix("desk/") for path in written if path.startswith("desk/"))
        yield from ((command, "at each desk") for command, _ in islice(_ways(plan.desk, there, "", "desk/"), 1))


def _ways(plan: Plan, written: tuple[str, ...], at: str, folder: str = "") -> Iterator[Step]:
    """What starts it, of the ways that were written; of a folder below this one where that is named."""
    spanning = plan.estimate.candidate.nodes > 1
    if "run.sh" in written:
        yield f"./{folder}run.sh{' NUMBER' if spanning else ''}", "on each machine" if spanning else at
    if "run.ps1" in written:
        yield f"powershell -ExecutionPolicy Bypass -File {folder}run.ps1", at
    if "compose.yaml" in written and plan.hardware.containers.compose_version:
        yield f"docker compose {f'-f {folder}compose.yaml ' if folder else ''}up -d --wait", at
    if any(path.startswith("kubernetes/") for path in written):
        yield f"kubectl apply -k {folder}kubernetes", "in the cluster"


def _address(plan: Plan) -> str:
    """Where it is reached: by its name, where that is planned, else on this machine."""
    return f"https://{plan.workload.host}" if plan.workload.host else f"http://127.0.0.1:{plan.launch.port}"


def _settings_of_running(plan: Plan, where: str) -> Iterator[Step]:
    """What its owner types; lines that go into an editor stand in the README."""
    lines = (line.partition("#")[0].strip() for line in ENGINES[plan.engine].set_commands(plan))
    commands = [line for line in lines if line]
    if any(line.startswith("[") for line in commands):
        yield commands[0], f"its settings: the lines of {where}/README.md"
    else:
        yield from ((line, "then start it again") for line in commands)


def _looks(plan: Plan, written: tuple[str, ...], where: str) -> Iterator[Step]:
    if plan.hardware.os != "windows":  # the commands of the checklist are for bash
        yield f"advisor check {where}", f"{len(plan.checks)} checks, before and after"
    if "run.sh" in written or "compose.yaml" in written:
        yield f"advisor smoke {where}", "your load on the real engine"
    yield f"advisor report {where}", "all of it as one page"
