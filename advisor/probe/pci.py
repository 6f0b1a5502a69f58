"""PCI in sysfs: the link of a device, and its name by device and revision id."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from advisor.probe.host import Host

_GENERATION_BY_GIGATRANSFERS = {"2.5": 1, "5.0": 2, "5": 2, "8.0": 3, "8": 3, "16.0": 4, "32.0": 5, "64.0": 6}
_LIBDRM_LISTS = ("/usr/share/libdrm/amdgpu.ids", "/opt/amdgpu/share/libdrm/amdgpu.ids")


class Link(NamedTuple):
    """PCIe generation and lanes: the highest possible, and now."""

    generation: int | None
    generation_now: int | None
    width: int | None
    width_max: int | None


def link(host: Host, device: str) -> Link:
    """The link of a device folder in sysfs."""
    return Link(
        generation=_generation(host.text(f"{device}/max_link_speed")),
        generation_now=_generation(host.text(f"{device}/current_link_speed")),
        width=host.number(f"{device}/current_link_width"),
        width_max=host.number(f"{device}/max_link_width"),
    )


def _generation(speed: str | None) -> int | None:
    return _GENERATION_BY_GIGATRANSFERS.get((speed or "").partition(" ")[0])


@functools.cache
def _names() -> Mapping[str, Any]:
    file = Path(__file__).parent / "pci_names.json"
    loaded: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def name(host: Host, device: str) -> str | None:
    """The marketing name by PCI id: from libdrm's list where there is one, else from the one kept here."""
    vendor, code = _hex(host, f"{device}/vendor"), _hex(host, f"{device}/device")
    revision = _hex(host, f"{device}/revision")
    if not vendor or not code:
        return None
    listed = _libdrm_name(host, code, revision) if vendor == "1002" else None
    kept: Mapping[str, str] = _names().get(vendor, {})
    return listed or kept.get(f"{code}:{revision}") or kept.get(code)


def _hex(host: Host, path: str) -> str:
    return (host.text(path) or "").removeprefix("0x").lower()


def _libdrm_name(host: Host, code: str, revision: str) -> str | None:
    for path in _LIBDRM_LISTS:
        for line in (host.text(path) or "").splitlines():
            parts = [part.strip() for part in line.split(",", 2)]
            if len(parts) == 3 and parts[0].lower() == code and parts[1].lower().zfill(2) == revision.zfill(2):
                return parts[2]
    return None
