"""What is watched: an address, or a folder whose plan says where its engine answers and what it was planned for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from advisor.deploy import replicas
from advisor.deploy.gateway import METRICS_PORT
from advisor.edge.reading import is_file, is_folder, read_json, read_text
from advisor.engines.asking import Server
from advisor.errors import BadInput, EnvironmentFailed
from advisor.folder.saved import plan_in
from advisor.schema import Plan, value
from advisor.smoke.load.events import at, mappings
from advisor.watch.server import find_server

RECORD = "migration.json"
_PORT = re.compile(r"^ADVISOR_METRICS_PORT=(\d{1,5})$", re.MULTILINE)


@value
class Target:
    """An engine that answers, its plan where there is one, and the gateway in front of it."""

    server: Server
    plan: Plan | None = None
    beside: tuple[Server, ...] = ()  # the other replicas of the plan on this machine, each a server of its own
    metrics_port: int | None = None  # of the gateway on this machine; None: there is none that is known of


def target_of(given: str) -> Target:
    """What the words mean.

    Raises:
        BadInput: a folder that holds neither a plan nor a migration, or no address.
        EnvironmentFailed: nobody answers there.
    """
    folder = Path(given)
    if not is_folder(folder):
        return Target(server=find_server(given))
    if is_file(folder / RECORD):
        return _migration(folder)
    plan = plan_in(folder)
    port = _metrics_port(folder) if "gateway" in plan.parts else None
    return _of_plan(plan, port)


def _of_plan(plan: Plan, metrics_port: int | None) -> Target:
    """The servers that the plan describes, and no other one at their ports; those beside the first may be silent."""
    bases = [f"http://127.0.0.1:{port}" for port in replicas.ports(plan)]
    server = _first(bases)
    if server.engine != plan.engine:
        raise EnvironmentFailed(f"{server.base}: {server.engine} answers there, and the plan is for {plan.engine}")
    others = [base for base in bases if base != server.base]
    beside = tuple(replace(server, base=base) for base in others)
    return Target(server=server, plan=plan, beside=beside, metrics_port=metrics_port)


def _first(bases: Sequence[str]) -> Server:
    """The first that answers.

    Raises:
        EnvironmentFailed: none does.
    """
    *others, last = bases
    for base in others:
        try:
            return find_server(base)
        except EnvironmentFailed:
            continue
    return find_server(last)


def _metrics_port(folder: Path) -> int:
    """Of the gateway: as .env says, else the usual one."""
    path = folder / ".env"
    found = _PORT.search(read_text(path)) if is_file(path) else None
    return int(found[1]) if found else METRICS_PORT


def _migration(folder: Path) -> Target:
    """The engine that the gateway of a migration stands in front of now."""
    record: Any = read_json(folder / RECORD)
    chosen = folder / "state" / "engine"
    engine = read_text(chosen).strip() if is_file(chosen) else at(record, "from", "engine")
    if engine == at(record, "from", "engine"):
        return Target(server=find_server(str(at(record, "from", "base"))), metrics_port=_metrics_port(folder))
    going = [each for each in mappings(at(record, "models")) if isinstance(at(each, "plan", "folder"), str)]
    if not going:
        raise BadInput(f"{folder / RECORD}: no model has a plan")
    plan = plan_in(folder / str(at(going[0], "plan", "folder")))
    return _of_plan(plan, _metrics_port(folder))
