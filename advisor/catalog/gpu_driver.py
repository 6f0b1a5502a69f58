"""The name that a driver prints → its entry, never by a part of it: `NVIDIA A10` is no `NVIDIA A100`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.catalog import from_entry, raw_entries
from advisor.catalog.entries import GpuSpec
from advisor.catalog.vendors import vendors
from advisor.units import GIB

MOST_NAME = 200  # characters: three times the longest that a driver prints
_VGPU = re.compile(r"-(\d{1,2})[qcab]$", re.IGNORECASE)


def vgpu_gb(name: str) -> int | None:
    """`"NVIDIA A40-12Q"` → 12: a card's share in a virtual machine, by the name of its profile; None for a card."""
    found = _VGPU.search(name.strip())
    return int(found[1]) if found else None


def vgpu_share(name: str, spec: GpuSpec) -> float:
    """The part of the card that such a profile has memory of; 1 for a card."""
    gigabytes, printed = vgpu_gb(name), spec.memory_nominal_gb or spec.memory_bytes / GIB
    return min(1.0, gigabytes / printed) if gigabytes and printed else 1.0


def match_driver_name(name: str, memory_bytes: int | None, cores: int | None) -> GpuSpec | None:
    """The entry whose driver name this is; of several cards with one name, by core count, then by memory.

    Still several (no memory given, or GDDR5 against GDDR6): the one with the lowest bandwidth, so that
    nothing is promised that the card may not have. None: not in the catalogue.
    """
    name = name[:MOST_NAME]
    found = _exact(name) or _within(name)
    if not found:
        return None
    found = [entry for entry in found if cores and entry.get("cores") == cores] or found
    if memory_bytes and vgpu_gb(name) is None:
        gaps = [_gap(entry, memory_bytes) for entry in found]
        found = [entry for entry, gap in zip(found, gaps, strict=True) if gap <= min(gaps) + 0.02]
    return from_entry(GpuSpec, min(found, key=lambda entry: entry.get("bandwidth_bytes_per_s", 0.0)))


@functools.lru_cache(maxsize=1 << 14)  # every pattern of the catalogue, for each card that is looked for
def _plain(name: str) -> str:
    """Lower case, no vendor word in front (older drivers leave it out), no profile of MIG or vGPU behind."""
    text = " ".join(name.lower().replace("(r)", "").replace("(tm)", "").replace("_", " ").split())
    return _around().sub("", text)


@functools.cache
def _around() -> re.Pattern[str]:
    in_front = "|".join(vendor.name for vendor in vendors().values() if vendor.name_in_front)
    return re.compile(rf"^({in_front}|grid) |\s+mig \d+g\.\d+gb.*$|-\d{{1,2}}[qcab]$")


def _exact(name: str) -> list[Mapping[str, Any]]:
    """Entries that print exactly this name, the most specific pattern first."""
    wanted = _plain(name)
    return [entry for entry in raw_entries("gpus") if any(_plain(pattern) == wanted for pattern in entry["match"])]


def _within(name: str) -> list[Mapping[str, Any]]:
    """Some vendors put more around the name: whole words, and only the longest pattern counts."""
    wanted = f" {_plain(name)} "
    best: list[Mapping[str, Any]] = []
    length = 0
    for entry in raw_entries("gpus"):
        for pattern in entry["match"] if vendors()[entry["vendor"]].name_within else ():
            plain = _plain(pattern)
            if re.search(rf"(?<![\w+]){re.escape(plain)}(?![\w])", wanted) and len(plain) >= max(length, 4):
                best = [entry] if len(plain) > length else [*best, entry]
                length = len(plain)
    return best


def _gap(entry: Mapping[str, Any], memory_bytes: int) -> float:
    """Relative distance of the entry's nearest size from what the driver reports."""
    sizes: Sequence[float] = entry.get("memory_options_bytes") or (entry["memory_bytes"],)
    nominal = entry.get("memory_nominal_gb")
    every = [float(size) for size in sizes] + ([float(nominal) * GIB] if nominal else [])
    return min(abs(size - memory_bytes) / memory_bytes for size in every)
