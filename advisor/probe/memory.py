"""System memory of a Linux machine, before any limit."""

from __future__ import annotations

from typing import NamedTuple

from advisor.probe.host import Host
from advisor.units import whole


class SystemMemory(NamedTuple):
    """Bytes; available is what can be had without swapping."""

    total_bytes: int
    available_bytes: int | None


def read(host: Host) -> SystemMemory | None:
    """Read /proc/meminfo; None when it has no total."""
    fields = {}
    for line in (host.text("/proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        amount = whole(rest.partition(" kB")[0].strip())
        if amount is not None:
            fields[name] = amount * 1024
    if "MemTotal" not in fields:
        return None
    return SystemMemory(fields["MemTotal"], fields.get("MemAvailable"))
