"""A machine from the name of a card, as a row or a measurement gives it."""

from __future__ import annotations

import functools
import re
from typing import Literal

from advisor.catalog.entries import GpuSpec
from advisor.schema import Accelerator, Cpu, Hardware
from advisor.units import GIB

HOST_BYTES = 256 * GIB  # a host that is never the limit of a row that names only the card
HOST_BYTES_PER_S = 60e9  # of its memory: two DDR5 channels


@functools.lru_cache(maxsize=4096)
def hardware_of(gpu: str, count: int) -> Hardware:
    """A machine with that many of that card; "CPU: name" is a machine without one.

    Raises:
        BadInput: the name is unknown or ambiguous.
    """
    from advisor.catalog.gpu_names import find_gpu

    if gpu.strip().lower().startswith("cpu"):
        return Hardware(source="simulated", os="linux", cpu=named_cpu(gpu.partition(":")[2].strip() or gpu))
    spec = find_gpu(gpu, guess=True)
    peers = tuple(range(count))
    cards = tuple(accelerator(spec, index, tuple(peer for peer in peers if peer != index)) for index in peers)
    host = Cpu(
        model="", architecture="x86_64", cores=16, threads=32, memory_bytes=HOST_BYTES, instruction_sets=("avx2",),
        bandwidth_bytes_per_s=60e9,
    )  # fmt: skip
    system: Literal["darwin", "linux"] = "darwin" if spec.vendor == "apple" else "linux"
    return Hardware(source="simulated", os=system, cpu=host, accelerators=cards)


def accelerator(spec: GpuSpec, index: int, peers: tuple[int, ...]) -> Accelerator:
    """A card of the catalogue among like cards; NVLink reaches all of them, a bridge only one."""
    bridged = "bridge" in spec.interconnect and len(peers) > 1
    linked = bool(spec.nvlink_bytes_per_s) and not bridged
    share = spec.gpu_memory_fraction if spec.unified_memory and spec.gpu_memory_fraction else 1.0
    return Accelerator(
        index=index,
        name=spec.name,
        vendor=spec.vendor,
        device_class=spec.device_class,
        memory_bytes=int(spec.memory_bytes * share),
        catalog_id=spec.id,
        architecture=spec.architecture,
        compute_capability=spec.compute_capability,
        bandwidth_bytes_per_s=spec.bandwidth_bytes_per_s,
        dense_flops=spec.dense_flops,
        unified_memory=spec.unified_memory,
        pcie_generation=4,
        pcie_width=16,
        pcie_peer_access=spec.pcie_peer_access,
        nvlink_peers=peers if linked else (),
        nvlink_bytes_per_s=spec.nvlink_bytes_per_s if linked else None,
        tdp_watts=spec.tdp_watts,
    )


def named_cpu(name: str) -> Cpu:
    """A processor by its model line; an unknown one is taken for a desktop with two DDR5 channels."""
    from advisor.catalog import cpus

    known = next((spec for spec in cpus() if spec.match and re.search(spec.match, name)), None)
    rate = known.bandwidth_bytes_per_s if known else 70e9
    return Cpu(
        model=name, architecture="x86_64", cores=8, threads=16, memory_bytes=HOST_BYTES, instruction_sets=("avx2",),
        bandwidth_bytes_per_s=rate,
    )  # fmt: skip
