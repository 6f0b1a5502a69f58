"""NVIDIA GPUs by NVML. The only importer of pynvml, and only where a driver seems to be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.probe import memory, nvidia_links, nvidia_mig
from advisor.probe.card import Card, Reading
from advisor.probe.host import Host
from advisor.probe.nvml import Nvml, NvmlFailed
from advisor.schema import Accelerator, GpuProcess

# Any of these means that an NVIDIA driver (native, Windows through WSL, Jetson) may answer. To import pynvml
# only to hear that there is none would cost every other machine 50 ms and more.
_DRIVER_LOADED = ("/dev/nvidiactl", "/proc/driver/nvidia/version")
_DRIVER_POSSIBLE = ("/dev/dxg", "/dev/nvmap", "/dev/nvhost-gpu")

# CUDA cores of one SM by compute capability; NVML counts cores, the catalogue SMs.
_CORES_PER_SM = {"6.0": 64, "7.0": 64, "7.2": 64, "7.5": 64, "8.0": 64}
_CORES_PER_SM_OTHERWISE = 128


def ask(host: Host) -> None:
    """No program runs: NVML answers at once."""


def read(host: Host, asked: None, unknown: dict[str, str]) -> Reading:  # noqa: ARG001
    """Read every NVIDIA GPU; a MIG slice counts as one.

    Without a driver the reading is empty, and says so when a card is on the bus.
    """
    loaded = host.nvml is not None or any(host.exists(sign) for sign in _DRIVER_LOADED)
    if not loaded and not any(host.exists(sign) for sign in _DRIVER_POSSIBLE):
        _mention_driverless_card(host, unknown)
        return Reading()
    try:
        nvml = Nvml.open(host.nvml)
    except NvmlFailed as failed:
        if loaded:
            unknown["nvidia_driver"] = f"NVML does not answer: {failed}"
        return Reading()
    try:
        return _read(nvml, host, unknown)
    finally:
        nvml.close()


def _read(nvml: Nvml, host: Host, unknown: dict[str, str]) -> Reading:
    handles = nvml.handles(unknown)
    whole = [_card(nvml, handle, index, host, unknown) for index, handle in enumerate(handles)]
    linked = nvidia_links.with_links(nvml, handles, whole)
    cards: list[Card] = []
    numbers: dict[int, int] = {}  # NVML's index → ours: slices of an earlier card move the numbers of later ones
    for handle, card in zip(handles, linked, strict=True):
        slices = nvidia_mig.slices(nvml, handle, card, len(cards), unknown)
        if slices is None:
            numbers[card.accelerator.index] = len(cards)
        cards.extend([card] if slices is None else slices)
    return Reading(
        cards=tuple(_renumbered(card, numbers, index) for index, card in enumerate(cards)),
        versions={
            "nvidia_driver": nvml.ask("nvidia_driver", unknown, "nvmlSystemGetDriverVersion"),
            "cuda_version": _cuda(nvml, unknown),
        },
    )


def _renumbered(card: Card, numbers: Mapping[int, int], index: int) -> Card:
    peers = tuple(numbers[peer] for peer in card.accelerator.nvlink_peers if peer in numbers)
    own = card.accelerator
    place = own.place or (None if own.index == index else str(own.index))
    return replace(card, accelerator=replace(own, index=index, place=place, nvlink_peers=peers))


def _card(nvml: Nvml, handle: Any, index: int, host: Host, unknown: dict[str, str]) -> Card:
    key = f"accelerators.{index}"
    capability = nvml.ask(f"{key}.compute_capability", unknown, "nvmlDeviceGetCudaComputeCapability", handle)
    dotted = f"{capability[0]}.{capability[1]}" if capability else None
    total, free, unified = _memory(nvml, handle, key, host, unknown)
    ecc = nvml.quietly("nvmlDeviceGetCurrentEccMode", handle)
    return Card(
        Accelerator(
            index=index,
            name=nvml.ask(f"{key}.name", unknown, "nvmlDeviceGetName", handle) or "NVIDIA GPU",
            vendor="nvidia",
            device_class="other",
            memory_bytes=total,
            free_bytes=free,
            compute_capability=dotted,
            unified_memory=unified,
            ecc_enabled=None if ecc is None else bool(ecc),
            power_share=_power_share(nvml, handle),
            processes=_processes(nvml, handle, key, unknown),
            # A unified GPU hangs on the processor's own fabric: its PCIe figures are no link to plan with.
            pcie_generation=None if unified else nvml.quietly("nvmlDeviceGetMaxPcieLinkGeneration", handle),
            pcie_generation_now=None if unified else nvml.quietly("nvmlDeviceGetCurrPcieLinkGeneration", handle),
            pcie_width=None if unified else nvml.quietly("nvmlDeviceGetCurrPcieLinkWidth", handle),
            pcie_width_max=None if unified else nvml.quietly("nvmlDeviceGetMaxPcieLinkWidth", handle),
        ),
        cores=_multiprocessors(nvml, handle, dotted),
    )


def _memory(nvml: Nvml, handle: Any, key: str, host: Host, unknown: dict[str, str]) -> tuple[int, int | None, bool]:
    """Total, free, and whether it is the system's own memory (GB10, Jetson: NVML reports none)."""
    info = nvml.quietly("nvmlDeviceGetMemoryInfo", handle)
    if info is not None and info.total:
        return int(info.total), int(info.free), False
    system = memory.read(host)
    if system is None:
        unknown[f"{key}.memory_bytes"] = "NVML reports no memory, and /proc/meminfo has no total"
        return 0, None, True
    return system.total_bytes, system.available_bytes, True


def _power_share(nvml: Nvml, handle: Any) -> float:
    """The limit in force (`nvidia-smi -pl`) to the one the card comes with; 1 where NVML is silent."""
    limit = nvml.quietly("nvmlDeviceGetEnforcedPowerLimit", handle)
    usual = nvml.quietly("nvmlDeviceGetPowerManagementDefaultLimit", handle)
    return min(limit / usual, 1.0) if limit and usual else 1.0


def _multiprocessors(nvml: Nvml, handle: Any, capability: str | None) -> int | None:
    cuda_cores = nvml.quietly("nvmlDeviceGetNumGpuCores", handle)
    if not cuda_cores or capability is None:
        return None
    return int(cuda_cores) // _CORES_PER_SM.get(capability, _CORES_PER_SM_OTHERWISE)


def _processes(nvml: Nvml, handle: Any, key: str, unknown: dict[str, str]) -> tuple[GpuProcess, ...] | None:
    """Who holds memory: compute and graphics, one entry a process; names without path and arguments."""
    compute = nvml.ask(f"{key}.processes", unknown, "nvmlDeviceGetComputeRunningProcesses", handle)
    if compute is None:
        return None
    graphics = nvml.quietly("nvmlDeviceGetGraphicsRunningProcesses", handle) or []
    used: dict[int, int | None] = {}
    for process in (*compute, *graphics):
        held = process.usedGpuMemory
        before = used.get(process.pid)
        used[process.pid] = before if held is None else max(int(held), before or 0)
    return tuple(
        GpuProcess(pid=pid, name=nvml.process_name(pid), used_bytes=held) for pid, held in sorted(used.items())
    )


def _cuda(nvml: Nvml, unknown: dict[str, str]) -> str | None:
    """The highest version that the driver supports."""
    version = nvml.ask("cuda_version", unknown, "nvmlSystemGetCudaDriverVersion_v2")
    return f"{version // 1000}.{version % 1000 // 10}" if version else None


def _mention_driverless_card(host: Host, unknown: dict[str, str]) -> None:
    """Say so when a card sits on the PCI bus and no driver answers for it."""
    for device in host.names("/sys/bus/pci/devices"):
        folder = f"/sys/bus/pci/devices/{device}"
        display = (host.text(f"{folder}/class") or "").startswith("0x03")
        if display and host.text(f"{folder}/vendor") == "0x10de":
            code = (host.text(f"{folder}/device") or "").removeprefix("0x")
            unknown["nvidia_driver"] = f"a card (PCI id 10de:{code}) is fitted, but no NVIDIA driver is loaded"
            return
