"""A machine that is only named: `--gpu "2x RTX 4090"`. What is taken for granted stands in `assumed`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from advisor.catalog import cpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.memory_limit import memory_limit
from advisor.catalog.vendors import vendors
from advisor.errors import BadInput
from advisor.pattern import Pattern
from advisor.physics.speed.device import with_power_limit
from advisor.probe import READERS
from advisor.probe.assumed_host import (
    containers,
    host,
    host_in_words,
    memory_bandwidth,
    processor,
    software_in_words,
)
from advisor.probe.beside import sliced
from advisor.probe.named import Named, accelerator, alike, named
from advisor.probe.slots import how_joined, peers
from advisor.schema import MOST_A_HOST, Accelerator, Containers, Cpu, Hardware
from advisor.units import GIB, gib

_JOINS_MORE = ("nvidia-v100", "nvidia-gb200", "nvidia-gb300")  # sold with more than eight that are linked
_SERVER = Pattern(r"epyc|xeon|threadripper|altra|grace|graviton|kunpeng|ampere", re.IGNORECASE)  # others are a desk's


@functools.lru_cache(maxsize=4096)
def simulate(text: str, count: int = 1, watts: float | None = None, *, guess: bool = False) -> Hardware:
    """The machine that the text names; see `named` for what can be said, and for the arguments.

    With `guess`, as rows of others are read, several unified chips are counted as cards of one machine: their rows do
    not say by what network they were joined.

    Raises:
        BadInput: a card is unknown or ambiguous, the cards cannot be in one machine, or none takes that power limit.
    """
    what = named(text, count, watts, guess=guess)
    if guess and what.specs and what.specs[0].unified_memory and len({spec.id for spec in what.specs}) == 1:
        one = machine(what._replace(specs=what.specs[:1]))
        return replace(one, accelerators=alike(one.accelerators[0], len(what.specs)))
    return machine(what)


def machine(what: Named) -> Hardware:
    """The one way from cards to a machine: `--gpu`, a row of `predict` and a measurement all come through here.

    Raises:
        BadInput: the cards cannot be in one machine, or none takes that power limit.
    """
    unified = [spec for spec in what.specs if spec.unified_memory]
    if unified and len(what.specs) > 1:
        said = (
            f"GPU {what.text!r}: {unified[0].name} shares its memory with the processor, so it is alone in its machine"
        )
        raise BadInput("\n".join((said, *_instead(what.specs))))
    kind = _unified if unified else _discrete if what.specs else _cpu_only
    found = _as_said(kind(what), what)
    return found if what.watts is None else _limited(found, what.watts, what.text)


def _instead(specs: Sequence[GpuSpec]) -> tuple[str, ...]:
    """What to type for several chips of which each is a machine: so many machines, where they can work as one."""
    spec, alike_all = specs[0], len({spec.id for spec in specs}) == 1
    size = f" {spec.memory_bytes / GIB:.0f}GB" if len(spec.memory_options_bytes) > 1 else ""
    one = f'type: --gpu "{spec.name}{size}"'
    if alike_all and _system({spec.vendor}) != "darwin":
        return (
            f"{len(specs)} of them are {len(specs)} machines, joined by a network (--node-link)",
            f"{one} --nodes {len(specs)}",
        )
    return ("name one of them, without other cards", one)


def _as_said(hardware: Hardware, what: Named) -> Hardware:
    """With the system and the processor that were named beside the cards, and the notes on how the text was read."""
    said, cpu = what.beside, hardware.cpu
    if said.processor and what.specs and hardware.os != "darwin":
        cpu = replace(cpu, model=said.processor)
    if what.threads:
        cpu = replace(cpu, threads=what.threads)
    if said.system == "windows" and hardware.os == "linux":
        changed = ("Windows in place of Linux, without containers", *hardware.assumed)
        hardware = replace(hardware, os="windows", os_version="Windows", containers=Containers(), assumed=changed)
    return replace(hardware, cpu=cpu, wsl=said.wsl, assumed=(*hardware.assumed, *what.notes))


def _limited(hardware: Hardware, watts: float, text: str) -> Hardware:
    """Every card held to so many watts; a board that may draw more than the data sheet says is as fast as that."""
    powers = [card.tdp_watts or 0.0 for card in hardware.accelerators]
    least, most = (host()[share] * min(powers, default=0.0) for share in ("least_power_share", "most_power_share"))
    if not least <= watts <= most or not most:
        known = f"from {least:.0f} to {most:.0f} W" if most else "no limit, its power is not known"
        wrong = re.search(rf"{watts:g}\s*w", text, re.IGNORECASE)
        near = f"{min(max(watts, least), most):.0f} W" if most and wrong else None
        said = f"GPU {text!r}: {watts:g} W for each card; accepted is {known}"
        raise BadInput(said, near=near, seen=wrong[0] if wrong else None)
    assumed = (*hardware.assumed, f"each card may draw {watts:g} W")
    return replace(with_power_limit(hardware, watts), assumed=assumed)


def _discrete(what: Named) -> Hardware:
    """Cards with memory of their own in a Linux host."""
    specs, links, part = what.specs, what.links, what.beside.slice
    makers = {spec.vendor for spec in specs}
    gpu_bytes = sum(spec.memory_bytes for spec in specs)
    assumed_bytes = max(host()["memory_floor_bytes"], host()["memory_per_gpu_memory"] * gpu_bytes)
    memory_bytes = round((what.beside.host_gb or 0) * GIB) or assumed_bytes
    memory = "server_memory" if all(spec.device_class == "datacenter" for spec in specs) else "desktop_memory"
    architecture = "aarch64" if any("C2C" in spec.interconnect for spec in specs) else "x86_64"
    joined = peers(specs, links.nvlink)
    cards = tuple(accelerator(spec, number, joined[number], links) for number, spec in enumerate(specs))
    if part:
        cards = tuple(sliced(card, spec, part) for card, spec in zip(cards, specs, strict=True))
    cores = what.threads and max(1, what.threads // 2)  # an instance's threads come in pairs
    assumed = [host_in_words(architecture, memory_bytes, cores), *software_in_words(makers)]
    if len(specs) > 1:
        assumed.append(how_joined(cards, links.nvlink))
    if note := _more_than_a_board(specs, joined):
        assumed.insert(0, note)
    return _hardware(
        makers,
        cpu=processor(architecture, memory_bytes, memory_bandwidth(memory), cores=cores),
        accelerators=cards,
        assumed=tuple(assumed),
    )


def _more_than_a_board(specs: Sequence[GpuSpec], joined: Sequence[Sequence[int]]) -> str:
    """What several boards of linked cards in one machine are worth: nobody sells it, and a network is slower."""
    number = len(specs)
    if number <= MOST_A_HOST or not all(joined) or any(spec.id.startswith(_JOINS_MORE) for spec in specs):
        return ""
    two = f'--gpu "{MOST_A_HOST}x {specs[0].name}" --nodes {-(-number // MOST_A_HOST)}'
    return f"{number} cards linked in one machine, though boards hold {MOST_A_HOST}: for machines in a network {two}"


def _unified(what: Named) -> Hardware:
    """A chip whose GPU works in the machine's memory; the GPU may use a share of it."""
    spec = what.specs[0]
    mac = _system({spec.vendor}) == "darwin"
    architecture = vendors()[spec.vendor].unified_architecture
    card = accelerator(spec, 0, ())
    own = host()["cores_of"].get(spec.id)
    cores = own or host()["cores"]
    cpu = processor(architecture, spec.memory_bytes, None, spec.name if mac else "", cores)
    cpu = replace(cpu, threads=2 * own) if own and architecture == "x86_64" else cpu
    share = f"the GPU may use {gib(card.memory_bytes)} of {gib(spec.memory_bytes)}{_limited_by(cpu, card)}"
    if mac:
        assumed = [
            f"macOS on {architecture}, {cores} cores; {share}",
            "no container engine: containers on macOS cannot reach the GPU",
        ]
    else:
        assumed = [
            f"Linux {architecture}, {cores} cores; {share}",
            *software_in_words({spec.vendor}),
        ]
    return _hardware(
        {spec.vendor},
        cpu=cpu,
        accelerators=(card,),
        assumed=tuple(assumed),
        unknown={"cpu.bandwidth_bytes_per_s": "no source says what share of the chip's the CPU cores reach"},
    )


def _limited_by(cpu: Cpu, card: Accelerator) -> str:
    """Which switch is taken to be untouched, and what systems give by themselves."""
    limit = memory_limit(Hardware(source="simulated", os="linux", cpu=cpu, accelerators=(card,)))
    if limit is None:
        return ""
    seen = f", {gib(limit.least_bytes)} to {gib(limit.most_bytes)} by version" if limit.uncertain else ""
    return f"{seen} ({limit.name} unset)"


def _cpu_only(what: Named) -> Hardware:
    """A machine without cards; a processor that is named brings the bandwidth of its family, if that is known."""
    model_line = what.processor
    usual = host()["named_cpu_memory_bytes" if _SERVER.search(model_line) else "cpu_only_memory_bytes"]
    memory_bytes = round((what.beside.host_gb or 0) * GIB) or usual
    known = next((spec for spec in cpus() if model_line and spec.match and re.search(spec.match, model_line)), None)
    bandwidth = known.bandwidth_bytes_per_s if known else memory_bandwidth("desktop_memory")
    cores = what.cores or host()["cores"] * what.sockets
    return _hardware(
        set(),
        cpu=processor("x86_64", memory_bytes, bandwidth * what.sockets, model_line, cores),
        accelerators=(),
        assumed=(host_in_words("x86_64", memory_bytes, cores), *software_in_words(set())),
    )


def _hardware(
    makers: set[str],
    *,
    cpu: Cpu,
    accelerators: tuple[Accelerator, ...],
    assumed: tuple[str, ...],
    unknown: Mapping[str, str] | None = None,
) -> Hardware:
    system, present = _system(makers), [vendors()[name] for name in makers]
    versions = {name: host()[name] for vendor in present for name in vendor.driver_fields}
    return Hardware(
        source="simulated",
        os=system,
        cpu=cpu,
        accelerators=accelerators,
        containers=Containers() if system == "darwin" else containers(present),
        unknown={**(unknown or {})},
        assumed=(*assumed, "room on disk for the weights"),
        **versions,
    )


def _system(makers: set[str]) -> Literal["linux", "darwin"]:
    """Where such cards are read."""
    return "darwin" if makers & READERS["darwin"].keys() else "linux"
