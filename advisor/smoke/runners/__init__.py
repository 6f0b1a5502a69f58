"""How a deployment folder is started and stopped: as processes of this machine, or through Compose."""

from __future__ import annotations

import shutil
from pathlib import Path

from advisor.engines.ways import ways_of
from advisor.errors import BadInput
from advisor.schema import Plan
from advisor.smoke.runners.base import Runner
from advisor.smoke.runners.compose import ComposeRunner
from advisor.smoke.runners.native import NativeRunner
from advisor.smoke.runners.running import RunningRunner

RUNNERS: dict[str, type[NativeRunner] | type[ComposeRunner]] = {"native": NativeRunner, "compose": ComposeRunner}


def runner_for(name: str, plan: Plan, folder: Path) -> Runner:
    """The runner of that name; "auto" takes the plan's way, of two that where the engine's program is installed.

    Raises:
        BadInput: there is no such runner.
    """
    if plan.launch.server == "running":
        return _of_running(name, plan, folder)
    if name == "auto":
        ways = [way for way in ways_of(plan) if way in RUNNERS]
        name = ways[0] if len(ways) == 1 else "native" if shutil.which(plan.launch.program[0]) else "compose"
    if name not in RUNNERS:
        raise BadInput(f"--runner {name}: there are auto, {', '.join(RUNNERS)}")
    return RUNNERS[name](plan, folder)


def _of_running(name: str, plan: Plan, folder: Path) -> Runner:
    if name not in ("auto", "native"):
        raise BadInput(f"--runner {name}: the plan uses the server that runs here; --own-server plans containers")
    return RunningRunner(plan, folder)
