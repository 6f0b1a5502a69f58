"""Podman quadlets: the container of the engine, of its model and of the gateway as systemd units that Podman writes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from advisor.deploy import gateway, native
from advisor.deploy.systemd import LOAD_S, fetch, patience_s
from advisor.engines import ENGINES
from advisor.engines.base import Placement
from advisor.engines.builds import access, has_image
from advisor.engines.containers import Mount
from advisor.engines.deployment import Preparation
from advisor.engines.devices import cards_of
from advisor.engines.places import place
from advisor.schema import Check, Plan, value
from advisor.shell import at_least

PODMAN_NEEDED = "5.0"  # Notify=healthy; quadlets themselves came with 4.4
IMAGE_S = 900  # an engine's image is several GB


@value
class Quadlet:
    """What the quadlets are filled with."""

    unit: str
    image: str  # with its registry: Podman asks otherwise
    env: tuple[str, ...]
    config: str
    mounts: tuple[Mount, ...]
    prepare: tuple[Mount, ...]
    preparation: Preparation | None
    devices: tuple[str, ...]
    seccomp: str
    health: str  # JSON, as Podman takes it without a shell
    start_s: int
    model_s: int  # for the model's container
    fetch: tuple[str, ...]  # script and words that have the model fetched before the engine starts; empty: it is here
    local: bool
    gateway_image: str
    needs_token: bool


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """A way to run is asked for by `run`, never wanted by itself."""
    return False


def possible(plan: Plan) -> str:
    """Where containers reach the device, and on one machine."""
    if plan.hardware.os != "linux":
        return f"{plan.hardware.os} has no systemd"
    if not has_image(plan):
        return "no image of this version reaches the GPU"
    spans = plan.estimate.candidate.nodes_of_replica > 1
    return "the engine lies on several machines: nodes/node@.service is its unit" if spans else ""


def facts(plan: Plan) -> Quadlet:
    """Everything that the templates place."""
    engine = ENGINES[plan.engine]
    container = engine.container(plan)
    env = {**container.env, **(engine.supplies(plan).fetched if fetch(plan) else {})}
    return Quadlet(
        unit=native.unit_name(plan),
        image=qualified(container.image),
        env=tuple(f"{name}={text}" for name, text in env.items()),
        config=native.config_folder(plan),
        mounts=container.mounts,
        prepare=container.prepare_mounts,
        preparation=engine.preparation(plan),
        devices=_devices(plan),
        seccomp=next((o.split("=")[1] for o in container.security_options if o.startswith("seccomp=")), ""),
        health=json.dumps(container.health),
        start_s=container.start_period_s + IMAGE_S,
        model_s=patience_s(plan) + LOAD_S,
        fetch=fetch(plan)[2:],  # without the shell
        local=bool(plan.model.path) or plan.workload.air_gapped,
        gateway_image=qualified(gateway.facts(plan).image) if "gateway" in plan.parts else "",
        needs_token=plan.launch.needs_token,
    )


def qualified(image: str) -> str:
    """The name with its registry: `caddy:2` → `docker.io/library/caddy:2`."""
    first = image.split("/", 1)[0]
    if "/" in image and ("." in first or ":" in first):
        return image
    return f"docker.io/{image}" if "/" in image else f"docker.io/library/{image}"


def placements(plan: Plan) -> tuple[Placement, ...]:
    """One file a container, a network and each volume."""
    return tuple(Placement(f"quadlet/{template}", f"quadlet/{path}") for template, path in _files(plan))


def checks(plan: Plan) -> tuple[Check, ...]:  # noqa: ARG001
    """Podman new enough to read the files."""
    return (
        Check(
            id="podman",
            fact=f"Podman {PODMAN_NEEDED} or newer reads the quadlets",
            why="older ones do not wait for the health check, or know no quadlets (before 4.4)",
            command=at_least("podman version --format '{{.Client.Version}}'", PODMAN_NEEDED),
            expect=f"{PODMAN_NEEDED} or higher",
            otherwise="use Compose or the systemd units, or a newer distribution (Debian 13 has 5.4)",
            targets=("quadlet",),
        ),
    )


def _files(plan: Plan) -> Iterator[tuple[str, str]]:
    unit = native.unit_name(plan)
    yield "engine.container.j2", f"{unit}.container"
    yield "inside.network.j2", f"{unit}.network"
    for mount in ENGINES[plan.engine].container(plan).mounts:
        if mount.named:
            yield "named.volume.j2", f"{unit}-{mount.source}.volume"
    if ENGINES[plan.engine].preparation(plan) is not None:
        yield "model.container.j2", f"{unit}-model.container"
    if fetch(plan):
        yield "fetch.container.j2", f"{unit}-fetch.container"
    if "gateway" in plan.parts:
        yield "gateway.container.j2", f"{unit}-gateway.container"
        yield "named.volume.j2", f"{unit}-gateway-data.volume"


def _devices(plan: Plan) -> tuple[str, ...]:
    """By CDI where there is a kind, which Podman has without a hook; else by device nodes."""
    way = access(plan)
    if way is None or not way.by_runtime:
        return way.device_nodes if way else ()
    cards = cards_of(plan.estimate.candidate, plan.hardware)
    return tuple(f"{way.cdi_kind}={place(card, plan.hardware)}" for card in cards)
