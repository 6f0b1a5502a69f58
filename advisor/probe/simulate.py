"""A machine that is only named: `--gpu "2x RTX 4090"`. What is taken for granted stands in `assumed`."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_names import parse_gpus
from advisor.errors import BadInput
from advisor.physics.speed.device import with_power_limit
from advisor.probe import cpu_rates
from advisor.schema import Accelerator, Containers, Cpu, Hardware
from advisor.units import gib

_POWER_LIMIT = re.compile(r"\s*(?:@|\bat)\s*(\d+)\s*W\s*$", re.IGNORECASE)
_CPU_ONLY = frozenset({"cpu", "none", "no gpu"})


@functools.cache
def _host() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return loaded


def simulate(text: str) -> Hardware:
    """The machine with these cards: `2x RTX 4090`, `RTX 3090 + RTX 4090`, `4x RTX 3090 at 220 W`, `Apple M3 Max 64GB`.

    Raises:
        BadInput: a card is unknown or ambiguous, or the cards cannot be in one machine.
    """
    limit = _POWER_LIMIT.search(text)
    if limit:
        return _limited(simulate(text[: limit.start()]), float(limit[1]), text)
    if " ".join(text.lower().split()) in _CPU_ONLY:
        return _cpu_only()
    groups = parse_gpus(text)
    specs = [spec for count, spec in groups for _ in range(count)]
    unified = [spec for spec in specs if spec.unified_memory]
    if unified and len(specs) > 1:
        raise BadInput(
            f"--gpu {text!r}: {unified[0].name} shares its memory with the processor, so it is alone in its "
            f"machine; name it once, without other cards"
        )
    return _unified(specs[0]) if unified else _discrete(specs)


def _limited(hardware: Hardware, watts: float, text: str) -> Hardware:
    """Every card held to so many watts."""
    least, most = _host()["least_power_share"], min((c.tdp_watts or 0.0 for c in hardware.accelerators), default=0.0)
    if not least * most <= watts <= most or not most:
        known = f"from {least * most:.0f} to {most:.0f} W" if most else "no limit, its power is not known"
        raise BadInput(f"--gpu {text!r}: {watts:g} W for each card; accepted is {known}")
    assumed = (*hardware.assumed, f"each card may draw {watts:g} W")
    return replace(with_power_limit(hardware, watts), assumed=assumed)


def _discrete(specs: Sequence[GpuSpec]) -> Hardware:
    """Cards with memory of their own in a Linux host."""
    vendors: set[str] = {spec.vendor for spec in specs}
    gpu_bytes = sum(spec.memory_bytes for spec in specs)
    memory_bytes = max(_host()["memory_floor_bytes"], _host()["memory_per_gpu_memory"] * gpu_bytes)
    server = all(spec.device_class == "datacenter" for spec in specs)
    architecture = "aarch64" if any("C2C" in spec.interconnect for spec in specs) else "x86_64"
    assumed = [_assumed_host(architecture, memory_bytes), *_assumed_software(vendors)]
    if len(specs) > 1:
        assumed.append(_assumed_links(specs))
    return _hardware(
        vendors,
        cpu=_cpu(architecture, memory_bytes, "server_memory" if server else "desktop_memory"),
        accelerators=tuple(_accelerator(index, spec, specs) for index, spec in enumerate(specs)),
        assumed=tuple(assumed),
    )


def _unified(spec: GpuSpec) -> Hardware:
    """A chip whose GPU works in the machine's memory; the GPU may use a share of it."""
    apple = spec.vendor == "apple"
    architecture = "x86_64" if spec.vendor in ("amd", "intel") else "aarch64"
    usable = int(spec.memory_bytes * (spec.gpu_memory_fraction or 1.0))
    share = f"the GPU may use {gib(usable)} of {gib(spec.memory_bytes)}"
    if apple:
        assumed = [
            f"macOS on {architecture}, {_host()['cores']} cores; {share} (iogpu.wired_limit_mb unset)",
            "no container engine: containers on macOS cannot reach the GPU",
        ]
    else:
        assumed = [
            f"Linux {architecture}, {_host()['cores']} cores; {share}",
            *_assumed_software({spec.vendor}),
        ]
    return _hardware(
        {spec.vendor},
        cpu=_cpu(architecture, spec.memory_bytes, None, spec.name if apple else ""),
        accelerators=(_accelerator(0, spec, [spec], usable),),
        assumed=tuple(assumed),
        unknown={"cpu.bandwidth_bytes_per_s": "no source says what share of the chip's the CPU cores reach"},
    )


def _cpu_only() -> Hardware:
    memory_bytes = _host()["cpu_only_memory_bytes"]
    return _hardware(
        set(),
        cpu=_cpu("x86_64", memory_bytes, "desktop_memory"),
        accelerators=(),
        assumed=(_assumed_host("x86_64", memory_bytes), *_assumed_software(set())),
    )


def _hardware(
    vendors: set[str],
    *,
    cpu: Cpu,
    accelerators: tuple[Accelerator, ...],
    assumed: tuple[str, ...],
    unknown: Mapping[str, str] | None = None,
) -> Hardware:
    host, nvidia, apple = _host(), "nvidia" in vendors, "apple" in vendors
    return Hardware(
        source="simulated",
        os="darwin" if apple else "linux",
        cpu=cpu,
        accelerators=accelerators,
        nvidia_driver=host["nvidia_driver"] if nvidia else None,
        cuda_version=host["cuda_version"] if nvidia else None,
        rocm_version=host["rocm_version"] if "amd" in vendors else None,
        containers=Containers()
        if apple
        else Containers(
            engine="docker",
            engine_version=host["docker_version"],
            compose_version=host["compose_version"],
            nvidia_toolkit_version=host["nvidia_toolkit_version"] if nvidia else None,
        ),
        unknown={**(unknown or {})},
        assumed=(*assumed, "room on disk for the weights"),
    )


def _cpu(architecture: str, memory_bytes: int, memory_system: str | None, model: str = "") -> Cpu:
    host = _host()
    sets = ("avx2",) if architecture == "x86_64" else ("neon", "dotprod")
    per_cycle = cpu_rates.flops_per_cycle(frozenset(sets))
    bandwidth = cpu_rates.socket_bandwidth(host[memory_system], host["cores"]) if memory_system else None
    return Cpu(
        model=model or f"assumed {host['cores']}-core {architecture} processor",
        architecture=architecture,
        cores=float(host["cores"]),
        threads=host["cores"],
        memory_bytes=memory_bytes,
        instruction_sets=sets,
        bandwidth_bytes_per_s=bandwidth,
        dense_flops={dtype: host["cores"] * host["clock_hz"] * count for dtype, count in per_cycle.items()},
    )


def _accelerator(index: int, spec: GpuSpec, specs: Sequence[GpuSpec], usable_bytes: int | None = None) -> Accelerator:
    generation, width = pcie(spec.interconnect)
    peers = tuple(other for other, its in enumerate(specs) if other != index and _linked(spec, its))
    return Accelerator(
        index=index,
        name=spec.name,
        vendor=spec.vendor,
        device_class=spec.device_class,
        memory_bytes=usable_bytes or spec.memory_bytes,
        catalog_id=spec.id,
        architecture=spec.architecture,
        compute_capability=spec.compute_capability,
        bandwidth_bytes_per_s=spec.bandwidth_bytes_per_s,
        dense_flops=spec.dense_flops,
        unified_memory=spec.unified_memory,
        pcie_generation=generation,
        pcie_width=width,
        pcie_width_max=width,
        pcie_peer_access=spec.pcie_peer_access,
        nvlink_peers=peers,
        nvlink_bytes_per_s=spec.nvlink_bytes_per_s if peers else None,
        tdp_watts=spec.tdp_watts,
        usd_per_hour=spec.usd_per_hour,
    )


def pcie(interconnect: str) -> tuple[int | None, int | None]:
    """`"none; PCIe 4.0 x8"` → (4, 8): generation and lanes of a catalogue entry."""
    found = re.search(r"PCIe (\d)\.0(?: x(\d+))?", interconnect)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else (None, None)


def _linked(one: GpuSpec, other: GpuSpec) -> bool:
    """Cards that come linked on their board (SXM, OAM); a bridge is bought apart."""
    fabric = "bridge" not in one.interconnect and re.search(r"NVLink \d|full mesh", one.interconnect)
    return bool(fabric) and one.id == other.id


def _assumed_host(architecture: str, memory_bytes: int) -> str:
    return f"Linux {architecture}, {_host()['cores']} cores, {gib(memory_bytes)} of memory"


def _assumed_software(vendors: set[str]) -> list[str]:
    host = _host()
    cuda = f"driver {host['nvidia_driver']} (CUDA {host['cuda_version']})"
    drivers = {
        "nvidia": f"NVIDIA {cuda} and container toolkit",
        "amd": f"ROCm {host['rocm_version']}",
    }
    listed = [text for vendor, text in drivers.items() if vendor in vendors]
    return [*listed, f"Docker {host['docker_version']} with Compose {host['compose_version']}"]


def _assumed_links(specs: Sequence[GpuSpec]) -> str:
    if all(_linked(specs[0], spec) for spec in specs):
        return "all cards linked by NVLink or Infinity Fabric, as on their board"
    generation, width = pcie(specs[0].interconnect)
    slot = f"PCIe {generation}.0 x{width}" if generation and width else "PCIe"
    return f"every card in a {slot} slot of full width, no NVLink bridge"
