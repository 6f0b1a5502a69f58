"""Which way of running is looked at, and whether the deployment itself runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from advisor.deploy import PARTS, native
from advisor.edge.children import run
from advisor.edge.reading import is_file
from advisor.engines.ways import WAYS, ways_of
from advisor.errors import BadInput
from advisor.folder.started import running
from advisor.schema import Plan

TARGETS = ("native", "compose", "systemd", "quadlet", "kubernetes")
_PATIENCE_S = 10


def target_for(name: str, plan: Plan, folder: Path) -> str:
    """The named target; "auto" takes processes where the engine's program is installed, else Compose.

    Raises:
        BadInput: the plan has no such target.
    """
    has_compose = is_file(folder / "compose.yaml")
    ways = ways_of(plan)
    if name == "auto" and len(ways) == 1:
        return ways[0]
    if name == "auto":
        return "native" if shutil.which(plan.launch.program[0]) or not has_compose else "compose"
    if name not in TARGETS:
        raise BadInput(f"--target {name}: there are auto, {', '.join(TARGETS)}")
    if name == "compose" and not has_compose:
        raise BadInput(f"--target compose: {folder} has no compose.yaml")
    if name in ("systemd", "quadlet", "kubernetes") and name not in plan.parts:
        why = PARTS[name].possible(plan)
        raise BadInput(
            f"--target {name}: the plan has no part {name}; {why or f'advisor render plan.json --run {_named(name)}'}"
        )
    return name


def _named(part: str) -> str:
    """A way as `--run` names it."""
    return next(name for name, other in WAYS.items() if other == part)


def is_running(target: str, plan: Plan, folder: Path, variables: Mapping[str, str]) -> bool:
    """Whether what this folder deploys runs now, by the target's own word; `variables` are for the programs asked."""
    if target == "native":
        return running(folder / "state", "engine") is not None
    if target == "compose":
        command = ["docker", "compose", "ps", "--status", "running", "--quiet", "engine"]
        return bool(_output(command, folder, variables).strip())
    if target in ("systemd", "quadlet"):
        unit = f"{native.unit_name(plan)}.service"
        return _output(["systemctl", "is-active", unit], folder).strip() == "active"
    return False


def _output(command: list[str], folder: Path, variables: Mapping[str, str] = MappingProxyType({})) -> str:
    """What a program prints; nothing where it is absent or does not answer."""
    env = {**os.environ, **variables, "LC_ALL": "C"}
    try:
        return run(command, limit_s=_PATIENCE_S, cwd=folder, env=env).out
    except OSError:
        return ""
