"""A stand-in for pynvml that answers from a recording; what is not recorded is Not Supported."""

# ruff: noqa: D102 - the methods are those of pynvml, and so are their names

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

MIB = 1024**2


class NVMLError(Exception):
    """What pynvml raises."""


class NVMLLibraryMismatchError(Exception):
    """What pynvml raises when the driver lacks a newer function."""


class FakeNvml:
    """The functions of pynvml that the probe calls, with pynvml's names and shapes."""

    NVMLError = NVMLError
    NVMLLibraryMismatchError = NVMLLibraryMismatchError

    def __init__(self, recording: Mapping[str, Any]) -> None:
        self.recording = recording
        self.open = 0
        self.asked: list[str] = []

    def nvmlInit(self) -> None:
        if self.recording.get("init_error"):
            raise NVMLError(self.recording["init_error"])
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> Any:
        return _recorded(self.recording, "driver")

    def nvmlSystemGetCudaDriverVersion_v2(self) -> Any:
        return _recorded(self.recording, "cuda")

    def nvmlSystemGetProcessName(self, pid: int) -> Any:
        return _recorded(self.recording.get("process_names", {}), pid)

    def nvmlDeviceGetCount(self) -> int:
        return len(self.recording["devices"])

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Mapping[str, Any]:
        device = self.recording["devices"][index]
        if device.get("lost"):
            raise NVMLError("GPU is lost")
        return {**device, "index": index}

    def nvmlDeviceGetName(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "name")

    def nvmlDeviceGetMemoryInfo(self, device: Mapping[str, Any]) -> SimpleNamespace:
        total, free = _recorded(device, "memory_mib")
        return SimpleNamespace(total=total * MIB, free=free * MIB, used=(total - free) * MIB)

    def nvmlDeviceGetCudaComputeCapability(self, device: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(_recorded(device, "capability"))

    def nvmlDeviceGetNumGpuCores(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "cuda_cores")

    def nvmlDeviceGetCurrentEccMode(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "ecc")

    def nvmlDeviceGetEnforcedPowerLimit(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "power_mw")[0]

    def nvmlDeviceGetPowerManagementDefaultLimit(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "power_mw")[1]

    def nvmlDeviceGetMaxPcieLinkGeneration(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "pcie")[0]

    def nvmlDeviceGetCurrPcieLinkGeneration(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "pcie")[1]

    def nvmlDeviceGetMaxPcieLinkWidth(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "pcie")[2]

    def nvmlDeviceGetCurrPcieLinkWidth(self, device: Mapping[str, Any]) -> Any:
        return _recorded(device, "pcie")[3]

    def nvmlDeviceGetComputeRunningProcesses(self, device: Mapping[str, Any]) -> list[SimpleNamespace]:
        return [_process(entry) for entry in device.get("compute_processes", [])]

    def nvmlDeviceGetGraphicsRunningProcesses(self, device: Mapping[str, Any]) -> list[SimpleNamespace]:
        return [_process(entry) for entry in device.get("graphics_processes", [])]

    def nvmlDeviceGetP2PStatus(self, one: Mapping[str, Any], other: Mapping[str, Any], capability: int) -> int:
        if not isinstance(capability, int):
            raise TypeError("ctypes takes an integer")
        p2p = self.recording.get("p2p")
        if p2p is None:
            raise NVMLError("Not Supported")
        linked = p2p["nvlink"] == "all" or [one["index"], other["index"]] in p2p["nvlink"]
        able = linked or (p2p["pcie"] and capability != 2)
        return 0 if able else p2p.get("refusal", 1)

    def nvmlDeviceGetNvLinkState(self, device: Mapping[str, Any], link: int) -> int:
        if link >= device.get("nvlink_links", 0):
            raise NVMLError("Invalid Argument")
        return 1

    def nvmlDeviceGetFieldValues(self, device: Mapping[str, Any], fields: list[int]) -> list[SimpleNamespace]:
        megabytes = device.get("nvlink_mb_per_s")
        answer = SimpleNamespace(uiVal=megabytes or 0)
        return [SimpleNamespace(nvmlReturn=0 if megabytes else 3, value=answer) for _ in fields]

    def nvmlDeviceGetMigMode(self, device: Mapping[str, Any]) -> list[int]:
        return [_recorded(device, "mig_mode")] * 2

    def nvmlDeviceGetMaxMigDeviceCount(self, device: Mapping[str, Any]) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: Mapping[str, Any], place: int) -> Mapping[str, Any]:
        slices = device.get("slices", [])
        if place >= len(slices):
            raise NVMLError("Not Found")
        return {**slices[place], "index": device["index"]}

    def nvmlDeviceGetAttributes(self, device: Mapping[str, Any]) -> SimpleNamespace:
        return SimpleNamespace(
            multiprocessorCount=_recorded(device, "multiprocessors"),
            computeInstanceSliceCount=_recorded(device, "compute_slices"),
            memorySizeMB=_recorded(device, "memory_mib")[0],
        )


def _recorded(entry: Mapping[Any, Any], key: Any) -> Any:
    if key not in entry:
        raise NVMLError("Not Supported")
    return entry[key]


def _process(entry: list[Any]) -> SimpleNamespace:
    pid, mib = entry
    return SimpleNamespace(pid=pid, usedGpuMemory=None if mib is None else mib * MIB)
