"""MIG: a card that is cut into slices is planned as its slices, each with its share of the card."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from advisor.probe.card import Card
from advisor.probe.nvml import Nvml
from advisor.schema import GpuProcess

_COMPUTE_SLICES = 7  # of the cards that have seven; used only where the slice's SM count does not answer


def slices(nvml: Nvml, handle: Any, card: Card, first_index: int, unknown: dict[str, str]) -> list[Card] | None:
    """The card's slices, numbered from `first_index`; None when MIG is off or not there."""
    mode = nvml.quietly("nvmlDeviceGetMigMode", handle)
    if not mode or not mode[0]:
        return None
    most = nvml.quietly("nvmlDeviceGetMaxMigDeviceCount", handle) or 0
    found = (nvml.quietly("nvmlDeviceGetMigDeviceHandleByIndex", handle, place) for place in range(most))
    there = [(place, part) for place, part in enumerate(found) if part is not None]
    cut = [_slice(nvml, part, card, first_index + number, place) for number, (place, part) in enumerate(there)]
    if not cut:
        unknown[f"mig.{card.accelerator.index}"] = (
            f"{card.accelerator.name}: MIG is on, but no slice has been created or is visible here"
        )
    return cut


def _slice(nvml: Nvml, part: Any, card: Card, index: int, place: int) -> Card:
    whole = card.accelerator
    name = nvml.ask("", {}, "nvmlDeviceGetName", part) or f"{whole.name} MIG"
    info = nvml.quietly("nvmlDeviceGetMemoryInfo", part)
    attributes = nvml.quietly("nvmlDeviceGetAttributes", part)
    total = int(info.total) if info else int(attributes.memorySizeMB) * 1024**2 if attributes else 0
    profile = re.search(r"MIG (\S+)", name)
    return Card(
        replace(
            whole,
            index=index,
            name=name,
            memory_bytes=total,
            free_bytes=int(info.free) if info else None,
            mig_profile=profile.group(1) if profile else None,
            place=f"{whole.index}:{place}",
            nvlink_peers=(),  # slices have no peers: neither NVLink nor P2P works between MIG devices
            nvlink_bytes_per_s=None,
            pcie_peer_access=False,
            processes=_processes(nvml, part),
        ),
        cores=card.cores,
        other_names=(whole.name,),
        whole_memory_bytes=whole.memory_bytes,
        memory_share=memory_share(total, whole.memory_bytes),
        compute_share=_compute_share(attributes, card.cores),
    )


def memory_share(slice_bytes: int, whole_bytes: int) -> float:
    """Share of the bandwidth: memory is cut into eighths (A30 and others: into quarters or halves of it)."""
    if not whole_bytes:
        return 1.0
    return min(8, max(1, round(8 * slice_bytes / whole_bytes))) / 8


def _compute_share(attributes: Any, cores: int | None) -> float:
    """Share of the multiprocessors; by compute slices where the card's own count is not known."""
    if attributes is None:
        return 1.0
    if cores and attributes.multiprocessorCount:
        return min(1.0, int(attributes.multiprocessorCount) / cores)
    return min(1.0, int(attributes.computeInstanceSliceCount) / _COMPUTE_SLICES)


def _processes(nvml: Nvml, part: Any) -> tuple[GpuProcess, ...] | None:
    running = nvml.quietly("nvmlDeviceGetComputeRunningProcesses", part)
    if running is None:
        return None
    return tuple(
        GpuProcess(pid=process.pid, name=nvml.process_name(process.pid), used_bytes=process.usedGpuMemory)
        for process in running
    )
