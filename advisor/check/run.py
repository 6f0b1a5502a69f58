"""Run the checklist of a plan in its folder.

The commands are made again from the plan's facts by this program. Neither those in CHECKLIST.md nor those in plan.json
are run: both are files that somebody may have edited, and a check must be safe on a folder from anywhere. What a
command takes from the plan (names, paths) is quoted. Files of the folder are read as data and none is executed; Compose
reads a compose.yaml that this program rendered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from advisor.check.compose import own_compose
from advisor.check.outcome import CheckReport, Line, Status
from advisor.check.target import is_running, target_for
from advisor.edge.children import run
from advisor.errors import EnvironmentFailed
from advisor.folder.contents import admit_contents
from advisor.folder.saved import plan_in
from advisor.plan import checks_of
from advisor.schema import Check

AT_ONCE = 8  # none of them changes anything, and most wait
SHOWN_LINES = 3
NOT_INHERITED = ("BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS")


def check_folder(folder: Path, target: str = "auto", progress: Callable[[str], None] = lambda _: None) -> CheckReport:
    """Every line of the folder's plan: run, skipped with a reason, or left to a person.

    Args:
        folder: a deployment folder with its plan.json.
        target: the way of running to look at; "auto" finds out.
        progress: told what is going on.

    Raises:
        BadInput: no plan.json, or one that cannot be read; a file without end; no such target.
        EnvironmentFailed: there is no bash.
    """
    plan = plan_in(folder)
    admit_contents(folder)
    target = target_for(target, plan, folder)
    progress(f"looking whether {plan.launch.program[0]} runs here already")
    with own_compose(plan) as variables:
        running = is_running(target, plan, folder, variables)
        lines = _lines(checks_of(plan), target, running, folder, variables, progress)
    return CheckReport(plan=plan.name, target=target, running=running, lines=lines)


def _lines(
    checks: tuple[Check, ...],
    target: str,
    running: bool,
    folder: Path,
    variables: Mapping[str, str],
    progress: Callable[[str], None],
) -> tuple[Line, ...]:
    waiting = {check.id for check in checks if check.command and not _skip(check, target, running)}

    def one(check: Check) -> Line:
        line = _line(check, target, running, folder, variables)
        waiting.discard(check.id)
        progress("checking " + ", ".join(sorted(waiting)[:4]) + (" ..." if len(waiting) > 4 else ""))
        return line

    progress(f"running {len(waiting)} checks")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(one, checks))


def _skip(check: Check, target: str, running: bool) -> str:
    """Why a line does not apply now; empty when it does."""
    if check.targets and target not in check.targets:
        return f"for --target {' or '.join(check.targets)}"
    if check.when == "running" and not running:
        return "nothing runs yet: check again after the start"
    if check.when == "stopped" and running:
        return "the deployment itself runs, and uses it"
    return ""


def _line(check: Check, target: str, running: bool, folder: Path, variables: Mapping[str, str]) -> Line:
    reason = _skip(check, target, running)
    if reason:
        return _result(check, "skipped", reason)
    if check.command is None:
        return _result(check, "by hand", "no command can see it")
    began = time.monotonic()
    code, text = _run(check.command, folder, check.limit_s, variables)
    seen = "\n".join(line for line in text.strip().splitlines() if line.strip())
    seconds = round(time.monotonic() - began, 2)
    if code == 0:
        return _result(check, "pass", "", seen, seconds)
    if code is None:
        return _result(check, "fail", f"no answer within {check.limit_s} s", seen, seconds)
    return _result(check, "fail", "it did not show what it must", seen, seconds)


def _result(check: Check, status: Status, reason: str, seen: str = "", seconds: float = 0.0) -> Line:
    return Line(
        id=check.id, fact=check.fact, status=status, reason=reason,
        seen="\n".join(seen.splitlines()[-SHOWN_LINES:]), command=check.command, expect=check.expect,
        otherwise=check.otherwise, why=check.why, seconds=seconds,
    )  # fmt: skip


def _run(command: str, folder: Path, limit_s: int, variables: Mapping[str, str]) -> tuple[int | None, str]:
    """Exit status (None: it took too long, and was ended with all it started) and the end of what it printed."""
    env = {name: text for name, text in os.environ.items() if name not in NOT_INHERITED}
    env |= {**variables, "LC_ALL": "C"}
    try:
        done = run(
            ["bash", "--noprofile", "--norc", "-c", command], limit_s=limit_s, cwd=folder, env=env, merged=True
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentFailed(f"bash cannot be started ({error.strerror}): the checklist is written for it") from None
    return done.code, done.out
