"""Put the readers together: start what takes long, read the rest meanwhile, merge the catalogue's facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from advisor.probe import READERS, containers, cpu, disk, engines, osinfo
from advisor.probe.card import Card, Reader, Reading
from advisor.probe.host import Host
from advisor.schema import Accelerator, Cpu, Hardware
from advisor.units import whole


class Found(NamedTuple):
    """Processor and cards, and the versions of their drivers by field of `Hardware`."""

    cpu: Cpu
    cards: tuple[Card, ...]
    versions: Mapping[str, str | None]


def read(host: Host, models_path: Path | None) -> Hardware:
    """Everything about `host`; what did not answer is None and has its reason in `unknown`."""
    unknown: dict[str, str] = {}
    asked = containers.ask(host)
    images = engines.ask(host)
    system = osinfo.read(host, unknown)
    found = _devices(host, system.os, unknown)
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
        containers=engine,
        engines=engines.read(host, images),
        disk_path=room.path,
        disk_free_bytes=room.free_bytes,
        unknown=dict(sorted(_relevant(unknown, accelerators))),
        **found.versions,  # type: ignore[arg-type]
    )


def _devices(host: Host, system: str, unknown: dict[str, str]) -> Found:
    """What every vendor's reader finds, one after the other, and the processor."""
    readers: list[Reader] = [import_module(name) for name in READERS[system].values()]
    asked = [reader.ask(host) for reader in readers]
    cards: list[Card] = []
    readings = []
    for reader, answers in zip(readers, asked, strict=True):
        own: dict[str, str] = {}
        reading, before = reader.read(host, answers, own), len(cards)
        unknown |= {_moved(key, before): reason for key, reason in own.items()}
        cards.extend(card.moved(before) for card in reading.cards)
        readings.append(reading)
    return Found(_processor(host, readings, unknown), tuple(cards), _versions(readings))


def _moved(key: str, by: int) -> str:
    """`"accelerators.0.name"` behind two cards of other vendors: `"accelerators.2.name"`."""
    first, _, rest = key.partition(".")
    number, _, what = rest.partition(".")
    index = whole(number) if first == "accelerators" else None
    return key if index is None else f"{first}.{index + by}.{what}"


def _processor(host: Host, readings: Iterable[Reading], unknown: dict[str, str]) -> Cpu:
    """One chip with its GPU, or what the system says of it."""
    return next((reading.cpu for reading in readings if reading.cpu), None) or cpu.read(host, unknown)


def _versions(readings: Iterable[Reading]) -> Mapping[str, str | None]:
    return {name: version for reading in readings for name, version in reading.versions.items()}


def _accelerators(cards: tuple[Card, ...], unknown: dict[str, str]) -> tuple[Accelerator, ...]:
    """The catalogue is loaded only when there is a card to look up."""
    if not cards:
        return ()
    from advisor.probe import enrich

    return enrich.accelerators(cards, unknown)


def _relevant(unknown: Mapping[str, str], accelerators: Iterable[Accelerator]) -> list[tuple[str, str]]:
    """Without what nobody misses: the container toolkit of a vendor who has no card here."""
    from advisor.catalog.vendors import vendors

    here = {accelerator.vendor for accelerator in accelerators}
    toolkits = {v.toolkit.version_field for v in vendors().values() if v.toolkit and v.name not in here}
    return [(key, reason) for key, reason in unknown.items() if key.removeprefix("containers.") not in toolkits]
