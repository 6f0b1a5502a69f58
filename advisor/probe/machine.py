"""Put the readers together: start what takes long, read the rest meanwhile, merge the catalogue's facts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from advisor.probe import amd, apple, containers, cpu, disk, intel, nvidia, osinfo
from advisor.probe.card import Card
from advisor.probe.host import Host
from advisor.schema import Accelerator, Cpu, Hardware


class Found(NamedTuple):
    """Processor and cards, and the versions of their drivers."""

    cpu: Cpu
    cards: tuple[Card, ...]
    nvidia_driver: str | None = None
    cuda: str | None = None
    rocm: str | None = None


def read(host: Host, models_path: Path | None) -> Hardware:
    """Everything about `host`; what did not answer is None and has its reason in `unknown`."""
    unknown: dict[str, str] = {}
    asked = containers.ask(host)
    system = osinfo.read(host, unknown)
    found = _darwin(host, unknown) if system.os == "darwin" else _linux(host, unknown)
    room = disk.read(host, models_path, unknown)
    engine = containers.finish(asked, unknown)
    accelerators = _accelerators(found.cards, unknown)
    return Hardware(
        source="probed",
        os=system.os,
        os_version=system.version,
        wsl=system.wsl,
        cpu=found.cpu,
        accelerators=accelerators,
        nvidia_driver=found.nvidia_driver,
        cuda_version=found.cuda,
        rocm_version=found.rocm,
        containers=engine,
        disk_path=room.path,
        disk_free_bytes=room.free_bytes,
        unknown=dict(sorted(_relevant(unknown, accelerators))),
    )


def _linux(host: Host, unknown: dict[str, str]) -> Found:
    amd_gpus = amd.find(host)
    asked = amd.ask(host, amd_gpus)
    nvidia_found = nvidia.read(host, unknown)
    processor = cpu.read(host, unknown)
    count = len(nvidia_found.cards)
    amd_found = amd.read(host, amd_gpus, asked, count, unknown)
    intel_cards = intel.read(host, count + len(amd_found.cards), unknown)
    return Found(
        cpu=processor,
        cards=(*nvidia_found.cards, *amd_found.cards, *intel_cards),
        nvidia_driver=nvidia_found.driver,
        cuda=nvidia_found.cuda,
        rocm=amd_found.rocm,
    )


def _darwin(host: Host, unknown: dict[str, str]) -> Found:
    processor, cards = apple.finish(host, apple.ask(host), unknown)
    return Found(processor, cards)


def _accelerators(cards: tuple[Card, ...], unknown: dict[str, str]) -> tuple[Accelerator, ...]:
    """The catalogue is loaded only when there is a card to look up."""
    if not cards:
        return ()
    from advisor.probe import enrich

    return enrich.accelerators(cards, unknown)


def _relevant(unknown: dict[str, str], accelerators: Iterable[Accelerator]) -> list[tuple[str, str]]:
    """Without what nobody misses: the NVIDIA toolkit where there is no such GPU."""
    if any(accelerator.vendor == "nvidia" for accelerator in accelerators):
        return list(unknown.items())
    return [(key, reason) for key, reason in unknown.items() if key != "containers.nvidia_toolkit_version"]
