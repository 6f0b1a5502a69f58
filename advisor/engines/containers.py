"""The engine in a container: the same launch in mounts, devices and variables, for every target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from advisor.engines.builds import access, maker
from advisor.engines.devices import cards_of
from advisor.engines.places import place
from advisor.schema import ModelSpec, Plan, value

GpuAccess = Literal["none", "reservation", "cdi", "devices"]
HARDENED = ("no-new-privileges:true",)
ANYONE = "0.0.0.0"  # noqa: S104 - inside a container; the published port decides who reaches it


@value
class Mount:
    """A named volume or a host path, and where it lies inside."""

    source: str
    target: str
    named: bool = True
    read_only: bool = False
    variable: str = ""  # of .env, which may put a host folder in place of the named volume
    native_variable: str = ""  # of the engine: names the same folder where there is no container
    native_folder: str = ""  # below the home of whoever runs it, where that variable is not set


@value
class Container:
    """What the image is started with. `argv` follows the image's own entrypoint."""

    image: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    health: tuple[str, ...]
    mounts: tuple[Mount, ...]
    gpu_access: GpuAccess
    prepare_mounts: tuple[Mount, ...] = ()  # what only the preparation of the model needs
    reservation_driver: str = ""  # reservation: who answers for it
    device_ids: tuple[str, ...] = ()  # reservation: the driver's numbers
    devices: tuple[str, ...] = ()  # cdi: CDI names; devices: device nodes
    added_capabilities: tuple[str, ...] = ()
    security_options: tuple[str, ...] = HARDENED
    shared_memory: str = ""  # "8g"; empty: the container engine's default
    start_period_s: int = 60
    grace_s: int = 15
    read_only: bool = False  # the root file system; volumes, `scratch` and shared memory stay writable
    scratch: tuple[str, ...] = ()  # folders that are forgotten with the container (tmpfs)
    memory_limit_bytes: int = 0  # of the host; 0: none
    pids_limit: int = 4096


def gpu_fields(plan: Plan) -> dict[str, object]:
    """How the cards reach the container: by a runtime's reservation or CDI, or by device nodes."""
    way = access(plan)
    if way is None:
        return {"gpu_access": "none"}
    if not way.by_runtime:
        # No groups: their names mean nothing inside the image, and the nodes belong to root, as whom the image runs.
        return {"gpu_access": "devices", "devices": way.device_nodes}
    containers, cards = plan.hardware.containers, cards_of(plan.estimate.candidate, plan.hardware)
    numbers = tuple(place(card, plan.hardware) for card in cards)
    if any(card.mig_profile for card in cards):
        # .env may name another, or its id.
        numbers = tuple(f"${{ADVISOR_MIG_DEVICE:-{number}}}" for number in numbers)
    if containers.engine == "podman" or (containers.cdi_devices and containers.nvidia_toolkit_version is None):
        return {"gpu_access": "cdi", "devices": tuple(f"{way.cdi_kind}={number}" for number in numbers)}
    return {"gpu_access": "reservation", "reservation_driver": way.reservation_driver, "device_ids": numbers}


def inner_environment(plan: Plan, env: Mapping[str, str]) -> dict[str, str]:
    """The variables that are still right inside a container.

    A runtime hands over the chosen cards, numbered from 0 again; device nodes are those of every card.
    """
    vendor = maker(plan)
    by_runtime = vendor is not None and vendor.access is not None and vendor.access.by_runtime
    renumbered = vendor.card_variables(plan.engine) if vendor and by_runtime else ()
    return {name: text for name, text in env.items() if name not in renumbered}


def with_values(argv: tuple[str, ...], changed: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments with the values of some flags exchanged."""
    result = list(argv)
    for position, word in enumerate(argv[:-1]):
        if word in changed:
            result[position + 1] = changed[word]
    return tuple(result)


def model_mounts(model: ModelSpec) -> tuple[Mount, ...]:
    """Mounts of what of a model lies here: its own folder or file, and those of its adapters."""
    paths = (model.path, *(adapter.path for adapter in model.adapters))
    return tuple(mount for path in paths for mount in local_mount(path))


def local_mount(path: str | None) -> tuple[Mount, ...]:
    """A local model at the same path inside; of a Hub cache snapshot, which is links, its repository."""
    if path is None:
        return ()
    pure = PurePosixPath(path)
    root = next((parent for parent in pure.parents if parent.name.startswith("models--")), pure)
    return (Mount(source=str(root), target=str(root), named=False, read_only=True),)
