"""What a processor can do in theory: bandwidth by family, FLOP/s by vector unit and nominal clock.

Figures are in cpu_rates.json and in the catalogue's cpus.json; a measurement is better than either.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from advisor.catalog import cpus
from advisor.units import whole


@functools.cache
def _data() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return loaded


class Part(NamedTuple):
    """A processor as /proc/cpuinfo identifies it."""

    name: str
    vendor: str
    family: str
    model: str

    @classmethod
    def of(cls, cpuinfo: Mapping[str, str]) -> Part:
        """From the fields of one logical CPU."""
        return cls(
            name=cpuinfo.get("model name") or arm_name(cpuinfo) or "",
            vendor=cpuinfo.get("vendor_id", ""),
            family=cpuinfo.get("cpu family", ""),
            model=cpuinfo.get("model", ""),
        )


def arm_name(cpuinfo: Mapping[str, str]) -> str | None:
    """The core's name by implementer and part number, for kernels that print no model name."""
    key = f"{cpuinfo.get('CPU implementer', '')} {cpuinfo.get('CPU part', '')}".lower()
    name: str | None = _data()["arm_parts"].get(key)
    return name


def bandwidth(part: Part, cores: float, sockets: int, unknown: dict[str, str]) -> float | None:
    """Theoretical bytes/s of every channel, but no more than the usable cores pull; None when unknown.

    A virtual machine with two cores of a large server sees the server's name, not its bandwidth.
    """
    family_id = _data()["families"].get(f"{part.vendor} {part.family} {part.model}")
    for spec in cpus():
        if spec.id == family_id or (not family_id and spec.match and re.search(spec.match, part.name)):
            return socket_bandwidth(spec.id, cores, sockets)
    name = part.name or "this processor"
    unknown["cpu.bandwidth_bytes_per_s"] = (
        f"{name} is not in the catalogue, and only root can read which memory modules are fitted"
    )
    return None


def socket_bandwidth(family_id: str, cores: float, sockets: int = 1) -> float:
    """Theoretical bytes/s of a catalogue family with every channel filled, no more than `cores` pull."""
    spec = next(spec for spec in cpus() if spec.id == family_id)
    by_cores = cores * float(_data()["bandwidth_per_core_bytes_per_s"])
    return min(spec.bandwidth_bytes_per_s * sockets, by_cores)


def dense_flops(
    part: Part, cores: float, clock_hz: float | None, sets: Iterable[str], unknown: dict[str, str]
) -> dict[str, float]:
    """FLOP/s (or integer operations/s) by dtype over all usable cores at the nominal clock."""
    if clock_hz is None:
        unknown["cpu.dense_flops"] = "the kernel names no nominal clock"
        return {}
    half = [part.vendor, whole(part.family)] in _data()["half_width_families"]
    per_cycle = flops_per_cycle(frozenset(sets), half_width_avx512=half)
    return {dtype: cores * clock_hz * count for dtype, count in per_cycle.items()}


def flops_per_cycle(sets: frozenset[str], *, half_width_avx512: bool = False) -> dict[str, float]:
    """Operations a cycle of one core by dtype; bf16 without a unit of its own runs at the fp32 rate."""
    rates: dict[str, float] = {}
    for dtype, by_set in _data()["flops_per_cycle"].items():
        found = [
            count / 2 if half_width_avx512 and name.startswith("avx512") else float(count)
            for name, count in by_set.items()
            if name in sets
        ]
        if found:
            rates[dtype] = max(found)
    if "fp32" in rates:
        rates.setdefault("bf16", rates["fp32"])
    return rates
