"""Who makes cards: one entry of `data/vendors.yaml` a vendor, so that nothing else has to ask which one it is."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants, engine_limits, from_entry, raw_entries
from advisor.catalog.vendor_entries import (
    Access,
    CardMetrics,
    Families,
    Kubernetes,
    Modules,
    NodesCheck,
    Reserved,
    Tool,
    Toolkit,
    VendorSpec,
)
from advisor.catalog.vendor_parts import Build, MemoryShare, MemorySwitch, Switch
from advisor.errors import BadInput
from advisor.schema import Accelerator, Hardware
from advisor.units import GIB

NO_BACK_END = ("n", "plugin")  # of `GpuSpec.supported`: a plug-in is another package than the pinned build
PARTS: Mapping[str, type[Any]] = {
    "families": Families,
    "driver_reserved": Reserved,
    "memory_switch": MemorySwitch,
    "access": Access,
    "toolkit": Toolkit,
    "tool": Tool,
    "nodes_check": NodesCheck,
    "modules": Modules,
    "kubernetes": Kubernetes,
    "metrics_exporter": CardMetrics,
}


@functools.cache
def vendors() -> Mapping[str, VendorSpec]:
    """Name → vendor, in the order of data/vendors.yaml: the registry."""
    return {entry["name"]: _vendor(entry) for entry in constants("vendors")["vendors"]}


def _vendor(entry: Mapping[str, Any]) -> VendorSpec:
    parts = {key: from_entry(PARTS[key], entry[key]) for key in PARTS.keys() & entry.keys()}
    shares = tuple(from_entry(MemoryShare, share) for share in entry.get("gpu_memory_shares", ()))
    builds = {engine: _build(build) for engine, build in entry.get("builds", {}).items()}
    return from_entry(VendorSpec, {**entry, **parts, "gpu_memory_shares": shares, "builds": builds})


def _build(entry: Mapping[str, Any]) -> Build:
    switches = tuple(from_entry(Switch, switch) for switch in entry.get("switches", ()))
    others = _build(entry["others"]) if "others" in entry else None
    return from_entry(Build, {**entry, "switches": switches, "others": others})


def vendor_of(card: Accelerator) -> VendorSpec:
    """Who makes this card."""
    return vendors()[card.vendor]


def build_for(card: Accelerator, engine: str) -> Build:
    """How an engine runs on this card: by its generation, where a vendor has several ways.

    Raises:
        BadInput: it does not (no plan that was made here asks this).
    """
    vendor = vendor_of(card)
    if engine not in vendor.builds:
        raise BadInput(f"{engine} does not run on cards of {vendor.title}; it does on {', '.join(served_by(engine))}")
    found = vendor.builds[engine]
    covered = card.compute_capability in engine_limits(engine).gfx_targets
    return found if found.others is None or covered else found.others


def check_vendors(hardware: Hardware, where: str) -> None:
    """Refuse a machine of a file that names a vendor who is not in the registry.

    Raises:
        BadInput: file, key, what was seen and what is accepted.
    """
    for number, card in enumerate(hardware.accelerators):
        _refuse_other(card.vendor, tuple(vendors()), f"{where}: accelerators.{number}.vendor")


def check_backend(name: str, where: str) -> None:
    """Refuse a plan of a file that names a back end which no vendor's build has.

    Raises:
        BadInput: file, key, what was seen and what is accepted.
    """
    builds = (build for vendor in vendors().values() for build in vendor.builds.values())
    known = (build.backend for first in builds for build in (first, first.others) if build)
    _refuse_other(name, ("cpu", *dict.fromkeys(known)), f"{where}: launch.variant")


def _refuse_other(name: str, known: tuple[str, ...], where: str) -> None:
    if name not in known:
        *most, last = map(repr, known)
        raise BadInput(f"{where}: Input should be {', '.join(most)} or {last}; saw {name!r:.80}")


def served_by(engine: str) -> tuple[str, ...]:
    """Names of the vendors on whose cards an engine runs."""
    return tuple(name for name, vendor in vendors().items() if engine in vendor.builds)


@functools.cache
def _without_back_end() -> Mapping[tuple[str, str], str]:
    """Card of the catalogue and engine → remark, where the maker's build of the engine does not run on that card."""
    return {
        (entry["id"], engine): entry.get("support_note", "")
        for entry in raw_entries("gpus")
        for engine, answer in entry.get("supported", {}).items()
        if answer in NO_BACK_END
    }


def no_back_end(card: Accelerator, engine: str) -> str | None:
    """What the catalogue says of a card that the engine's build does not run on; None: nothing speaks against it."""
    return _without_back_end().get((card.catalog_id or "", engine))


def card_variables(*engines: str) -> frozenset[str]:
    """The same over all vendors."""
    return frozenset(name for vendor in vendors().values() for name in vendor.card_variables(*engines))


def gpu_share(vendor: VendorSpec, memory_bytes: int) -> float | None:
    """The share of that much unified memory which a GPU may use; None where the vendor has no rule."""
    shares = gpu_shares(vendor, memory_bytes)
    return shares[0] if shares else None


def gpu_shares(vendor: VendorSpec, memory_bytes: int) -> tuple[float, float] | None:
    """The least and the largest share that was seen: systems of one size differ by version."""
    size = memory_bytes / GIB
    shares = (share for share in vendor.gpu_memory_shares if share.up_to_gib is None or size <= share.up_to_gib)
    found = next(shares, None)
    return (found.fraction, found.most or found.fraction) if found else None


@functools.cache
def _maker() -> re.Pattern[str]:
    """What stands in front of a card's own name."""
    titles = "|".join(re.escape(vendor.title) for vendor in vendors().values() if vendor.name_in_front)
    return re.compile(rf"^({titles})\s+(GeForce\s+|Radeon\s+(?=RX)|Data Center GPU\s+)?")


def short_card(name: str) -> str:
    """`NVIDIA GeForce RTX 4090` → `RTX 4090`."""
    return _maker().sub("", name)
