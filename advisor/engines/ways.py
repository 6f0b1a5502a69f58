"""The ways to run an engine, each a part of the deployment: what `--run` names, and what this machine usually takes."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.engines.builds import has_image
from advisor.engines.naming import slug
from advisor.schema import Plan

WAYS: Mapping[str, str] = {  # as a person names it → the part that holds its files
    "compose": "compose",
    "native": "native",
    "systemd": "systemd",
    "podman": "quadlet",
    "kubernetes": "kubernetes",
}
ON_HOST = ("native", "systemd", "quadlet")  # beside programs of the machine itself
HOSTED = ("compose", *ON_HOST)  # on the machine where the folder lies


LOGS: Mapping[str, str] = {  # where a service of the deployment says what it does; units are named like the plan
    "compose": "docker compose logs {service}",
    "native": "state/{service}.log",
    "systemd": "journalctl -u {unit}",
    "quadlet": "journalctl -u {unit}",
    "kubernetes": "kubectl logs POD -c {service}",
}


def logs(plan: Plan, service: str) -> str:
    """Where to read what a service of this plan says, for people."""
    unit = slug(plan.name) if service == "engine" else f"{slug(plan.name)}-{service}"
    return " or ".join(dict.fromkeys(LOGS[way].format(service=service, unit=unit) for way in ways_of(plan)))


def ways_of(plan: Plan) -> tuple[str, ...]:
    """The ways among the plan's parts; a plan that names none has the two that need nothing but a folder."""
    named = tuple(part for part in plan.parts if part in WAYS.values())
    return named or (("compose", "native") if has_compose(plan) else ("native",))


def has_compose(plan: Plan) -> bool:
    """Whether Compose can run it: an image reaches the device, the engine lies on one machine, and is no other's."""
    return plan.launch.server == "own" and has_image(plan) and plan.estimate.candidate.nodes_of_replica == 1


def usual_way(plan: Plan) -> str:
    """Compose where Docker has it, Podman for others where it is what there is, else the machine's own programs."""
    found = plan.hardware.containers
    if plan.hardware.os != "linux" or not has_compose(plan):
        return "native"
    if found.engine == "docker" and found.compose_version:
        return "compose"
    return "podman" if found.engine == "podman" and plan.serves_others else "native"


def asked_ways(plan: Plan) -> tuple[str, ...]:
    """The names that the workload asks for, "all" and "auto" spelt out."""
    said = plan.workload.run
    if said == "auto":
        return (usual_way(plan),)
    return tuple(WAYS) if said == "all" else tuple(name.strip() for name in said.split(","))
