"""The host of a machine that is only named: processor, memory, drivers and containers as they usually are."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.catalog.vendor_entries import VendorSpec
from advisor.catalog.vendors import vendors
from advisor.probe import cpu_rates
from advisor.schema import Containers, Cpu
from advisor.units import gib


@functools.cache
def host() -> Mapping[str, Any]:
    """What is taken for granted of every machine that is only named."""
    loaded: Mapping[str, Any] = json.loads(Path(__file__).with_name("simulate.json").read_text(encoding="utf-8"))
    return loaded


def containers(present: Sequence[VendorSpec]) -> Containers:
    """Docker with Compose, and the toolkits of the vendors whose cards are there."""
    fields = [vendor.toolkit.version_field for vendor in present if vendor.toolkit]
    return Containers(
        engine="docker",
        engine_version=host()["docker_version"],
        compose_version=host()["compose_version"],
        **{name: host()[name] for name in fields},
    )


def processor(
    architecture: str, memory_bytes: int, bandwidth: float | None, model: str = "", cores: int | None = None
) -> Cpu:
    """A processor with so many cores, or the usual ones, and that much memory."""
    usual = host()
    cores = cores or usual["cores"]
    sets = ("avx2",) if architecture == "x86_64" else ("neon", "dotprod")
    per_cycle = cpu_rates.flops_per_cycle(frozenset(sets))
    return Cpu(
        model=model or f"assumed {cores}-core {architecture} processor",
        architecture=architecture,
        cores=float(cores),
        threads=cores,
        memory_bytes=memory_bytes,
        instruction_sets=sets,
        bandwidth_bytes_per_s=bandwidth,
        dense_flops={dtype: cores * usual["clock_hz"] * count for dtype, count in per_cycle.items()},
    )


def memory_bandwidth(memory_system: str) -> float:
    """Of the assumed processor's memory: "server_memory" or "desktop_memory", no more than its cores pull."""
    return cpu_rates.socket_bandwidth(host()[memory_system], host()["cores"])


def host_in_words(architecture: str, memory_bytes: int, cores: int | None = None) -> str:
    """For the list of what is assumed."""
    return f"Linux {architecture}, {cores or host()['cores']} cores, {gib(memory_bytes)} of memory"


def software_in_words(makers: set[str]) -> list[str]:
    """Drivers of these makers and Docker, likewise."""
    usual = host()
    told = (vendor.assumed_software.format(**usual) for vendor in vendors().values() if vendor.name in makers)
    listed = [text for text in told if text]
    return [*listed, f"Docker {usual['docker_version']} with Compose {usual['compose_version']}"]
