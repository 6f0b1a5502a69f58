"""What a container or service may use: CPU quota and memory limit of cgroup v2 and v1, the tightest one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from advisor.probe.host import Host

_MOUNT = "/sys/fs/cgroup"


class Limits(NamedTuple):
    """None: no limit. `memory_available_bytes` is the room left below the memory limit."""

    cpus: float | None
    memory_bytes: int | None
    memory_available_bytes: int | None


def read(host: Host) -> Limits:
    """Read the limits that hold for this process."""
    own = _own_groups(host)
    quotas = [*_v2_quotas(host, own), *_v1_quotas(host, own)]
    limits = [*_v2_memory(host, own), *_v1_memory(host, own)]
    return Limits(
        cpus=min(quotas, default=None),
        memory_bytes=min((limit for limit, _ in limits), default=None),
        memory_available_bytes=min((max(0, limit - used) for limit, used in limits), default=None),
    )


def _own_groups(host: Host) -> dict[str, str]:
    """Controller → path of our group; the unified hierarchy of v2 stands under the empty name."""
    groups = {}
    for line in (host.text("/proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _upwards(host: Host, mount: str, path: str) -> Iterator[str]:
    """The group's folder and its parents up to the mount; in a container only the mount may be visible."""
    parts = [part for part in path.split("/") if part and part != ".."]
    for length in range(len(parts), -1, -1):
        folder = "/".join([mount, *parts[:length]])
        if host.exists(folder):
            yield folder


def _v2_quotas(host: Host, own: dict[str, str]) -> Iterator[float]:
    for folder in _upwards(host, _MOUNT, own.get("", "/")):
        quota, _, period = (host.text(f"{folder}/cpu.max") or "max").partition(" ")
        if quota != "max" and period:
            yield int(quota) / int(period)


def _v1_quotas(host: Host, own: dict[str, str]) -> Iterator[float]:
    for mount in (f"{_MOUNT}/cpu", f"{_MOUNT}/cpu,cpuacct"):
        for folder in _upwards(host, mount, own.get("cpu", "/")):
            quota, period = (
                host.number(f"{folder}/cpu.cfs_quota_us"),
                host.number(f"{folder}/cpu.cfs_period_us"),
            )
            if quota and period and quota > 0:
                yield quota / period


def _v2_memory(host: Host, own: dict[str, str]) -> Iterator[tuple[int, int]]:
    for folder in _upwards(host, _MOUNT, own.get("", "/")):
        limit = host.number(f"{folder}/memory.max")
        if limit is not None:
            yield limit, _held(host, f"{folder}/memory.current", f"{folder}/memory.stat", "inactive_file")


def _v1_memory(host: Host, own: dict[str, str]) -> Iterator[tuple[int, int]]:
    mount = f"{_MOUNT}/memory"
    for folder in _upwards(host, mount, own.get("memory", "/")):
        limit = host.number(f"{folder}/memory.limit_in_bytes")
        if limit is not None and limit < 1 << 60:  # v1 writes "no limit" as the largest page-aligned integer
            yield (
                limit,
                _held(host, f"{folder}/memory.usage_in_bytes", f"{folder}/memory.stat", "total_inactive_file"),
            )


def _held(host: Host, usage: str, stat: str, reclaimable: str) -> int:
    """Bytes in use that the kernel cannot simply drop: page cache that nothing touches does not count."""
    used = host.number(usage) or 0
    for line in (host.text(stat) or "").splitlines():
        key, _, count = line.partition(" ")
        if key == reclaimable:
            used -= int(count)
    return max(0, used)
