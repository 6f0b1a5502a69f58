"""What stands around the engine: gateway, monitoring, units, Kubernetes, ...; one module a part, one line here."""

from __future__ import annotations

import difflib

from advisor.deploy import (
    carry,
    compose,
    gateway,
    kubernetes,
    monitoring,
    nodes,
    people,
    quadlet,
    ray,
    replicas,
    scripts,
    systemd,
)
from advisor.deploy.base import Part
from advisor.engines.ways import WAYS, asked_ways
from advisor.errors import BadInput
from advisor.schema import Plan

__all__ = ["PARTS", "parts_of"]

PARTS: dict[str, Part] = {
    "compose": compose,
    "native": scripts,
    "systemd": systemd,
    "quadlet": quadlet,
    "kubernetes": kubernetes,
    "gateway": gateway,
    "keys": people,
    "monitoring": monitoring,
    "replicas": replicas,
    "nodes": nodes,
    "ray": ray,
    "offline": carry,
}


AROUND_A_RUNNING_SERVER = {"gateway"}  # the others start servers of their own


def parts_of(plan: Plan) -> tuple[str, ...]:
    """The parts of this plan, in the registry's order: what it needs, or what `--parts` and `--run` name.

    Every plan has a way to run it: those that `parts` names, else that of `run`. A plan that leaves loopback has its
    gateway whatever was named: neither engine is safe without one. A plan over
    several machines has their commands.

    Raises:
        BadInput: a name that is no part, or a part that cannot be had for this plan.
    """
    said = plan.workload.parts
    if said == "auto":
        names = {name for name, part in PARTS.items() if part.wanted(plan) and not part.possible(plan)}
    elif said in ("all", "none"):
        names = {name for name, part in PARTS.items() if said == "all" and not part.possible(plan)}
    else:
        names = set(_named(said, plan))
    if plan.workload.run != "auto" or not names & set(WAYS.values()):
        names.update(_ways(plan))
    if plan.launch.server == "running":
        names = names & AROUND_A_RUNNING_SERVER | {"native"}
    # Monitoring watches the gateway, keys stand behind it, and in a pod it is the only way to the engine.
    if plan.workload.exposed or {"monitoring", "kubernetes", "keys", "replicas"} & names:
        names.add("gateway")
    if nodes.wanted(plan):
        names.add("nodes")
    names = replicas.without_other_ways(names)
    return tuple(name for name in PARTS if name in names)


def _ways(plan: Plan) -> list[str]:
    """The parts of the ways that `run` asks for; "all" are those that can be had."""
    parts = [(name, WAYS[name]) for name in asked_ways(plan)]
    if plan.workload.run == "all":
        return [part for _, part in parts if not PARTS[part].possible(plan)]
    for name, part in parts:
        if reason := PARTS[part].possible(plan):
            raise BadInput(f"--run {name}: {reason}")
    return [part for _, part in parts]


def _named(said: str, plan: Plan) -> list[str]:
    names = [name.strip() for name in said.split(",") if name.strip()]
    for name in names:
        if name not in PARTS:
            near = difflib.get_close_matches(name, PARTS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise BadInput(
                f"--parts: {name!r} is no part.{hint} Accepted: auto, all, none, or some of {', '.join(PARTS)}"
            )
        if reason := PARTS[name].possible(plan):
            raise BadInput(f"--parts {name}: {reason}")
    if "keys" in names and (others := set(names) & set(WAYS.values()) - set(people.SERVED_WAYS)):
        raise BadInput(f"--parts keys: {people.only_for(*sorted(others))}")
    return names
