"""The engine's version: what is installed, or runs, against what was planned."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import engine_limits
from advisor.catalog.versions import limits_of
from advisor.engines.versions import choose, floor, server_in_use
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.shell import at_least, installed_version, sortable


def present_checks(plan: Plan) -> Iterator[Check]:
    """That the program is there, and a Python that it installs for, where the machine's own programs run it."""
    limits = limits_of(plan.engine, plan.engine_version)
    if plan.launch.server == "running":
        return
    yield Check(
        id="engine-present",
        fact=f"{limits.title} is installed",
        command=f"command -v {shell(plan.launch.program[0])}",
        expect="its path",
        otherwise=limits.upgrade.format(version=plan.engine_version),
        why="run.sh has nothing to start",
        targets=("native",),
    )
    if limits.python and plan.engine_version == engine_limits(plan.engine).version:
        least, beyond = limits.python
        ask = "python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'"
        yield Check(
            id="python",
            fact=f"Python is {least} or newer, and older than {beyond}",
            command=f'{at_least(ask, least)} && [ "$found" != {beyond} ] && '
            f"printf '%s\\n' \"$found\" {beyond} | sort -V -C",
            expect=f"{least} or higher, below {beyond}",
            otherwise=f"make the environment with another one: uv venv --python {least}",
            why=f"{limits.title} {plan.engine_version} has no wheels for others",
            targets=("native", "systemd"),
        )


def version_check(plan: Plan) -> Check:
    """Whether the program that run.sh would start takes the plan's arguments."""
    limits, least = limits_of(plan.engine, plan.engine_version), floor(plan)
    read = read_version(plan)
    fact = f"The plan was made for {limits.title} {plan.engine_version}{_whence(plan)}"
    if least != plan.engine_version:
        fact += f"; {least} takes all of it too"
    return Check(
        id="engine-version",
        fact=fact,
        command=f'found=$({read}); echo "$found"; [ -n "$found" ] && '
        f"printf '%s\\n' {shell(least)} {sortable('$found')} | sort -V -C",
        expect=f"{plan.engine_version}, or another from {least} on",
        otherwise=f"{limits.upgrade.format(version=plan.engine_version)}; or plan for the version that is here: "
        f"--engine-version {plan.engine}=VERSION",
        why="an older version ends at a flag or model that it does not know, or ignores a variable in silence",
        targets=("native",),
        limit_s=30,
    )


def stated_version(plan: Plan) -> dict[str, str]:
    """What run.sh needs to test the version before it starts anything."""
    limits = limits_of(plan.engine, plan.engine_version)
    return {
        "read": read_version(plan),
        "sortable": sortable("$found"),
        "least": floor(plan),
        "upgrade": limits.upgrade.format(version=plan.engine_version),
    }


def read_version(plan: Plan) -> str:
    """The command that prints the version: of the running server that is used, else of the program on PATH."""
    server = server_in_use(plan.engine, plan.hardware, plan.workload)
    if server is not None:
        url = shell(f"http://127.0.0.1:{plan.launch.port}/api/version")
        return f'curl -fsS -m 5 {url} | sed -E \'s/.*"version" *: *"([^"]*)".*/\\1/\''
    return installed_version(plan.launch.program[0], limits_of(plan.engine, plan.engine_version).distributions)


def _whence(plan: Plan) -> str:
    found = choose(plan.engine, plan.hardware, plan.workload, plan.model)
    if found.lacks and found.origin != "asked":
        return f", because {found.found}, which is here, will not do ({'; '.join(found.lacks)})"
    words = {"installed": ", which is installed here", "running": ", which runs here", "asked": ", which was asked for"}
    return words.get(found.origin, "")
