"""Processes that hold memory of an AMD GPU, as KFD counts them."""

from __future__ import annotations

from advisor.probe.host import Host
from advisor.schema import GpuProcess

_PROCESSES = "/sys/class/kfd/kfd/proc"


def read(host: Host, gpu_id: str | None) -> tuple[GpuProcess, ...] | None:
    """Compute processes on the GPU with this KFD id; None where KFD does not say."""
    if not gpu_id or not host.exists(_PROCESSES):
        return None
    found = []
    for pid in host.names(_PROCESSES):
        held = host.number(f"{_PROCESSES}/{pid}/vram_{gpu_id}")
        if held:
            found.append(GpuProcess(pid=int(pid), name=host.text(f"/proc/{pid}/comm"), used_bytes=held))
    return tuple(found)
