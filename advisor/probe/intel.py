"""Intel GPUs by sysfs (i915 and xe). The kernel names no memory size for most; the catalogue then does."""

from __future__ import annotations

from advisor.probe import pci
from advisor.probe.card import Card, Reading
from advisor.probe.host import Host
from advisor.schema import Accelerator

_VENDOR = "0x8086"
_INTEGRATED_ADDRESS = "0000:00:02.0"  # graphics inside the processor always sits here


def ask(host: Host) -> None:
    """No program runs: sysfs answers at once."""


def read(host: Host, asked: None, unknown: dict[str, str]) -> Reading:  # noqa: ARG001
    """Every Intel GPU; integrated graphics is marked as such."""
    devices = [
        f"/sys/class/drm/{name}/device"
        for name in host.names("/sys/class/drm")
        if name.startswith("card") and "-" not in name
    ]
    found = [device for device in devices if host.text(f"{device}/vendor") == _VENDOR]
    return Reading(tuple(_card(host, device, place, unknown) for place, device in enumerate(found)))


def _card(host: Host, device: str, index: int, unknown: dict[str, str]) -> Card:
    integrated = f"PCI_SLOT_NAME={_INTEGRATED_ADDRESS}" in (host.text(f"{device}/uevent") or "")
    code = (host.text(f"{device}/device") or "").removeprefix("0x")
    total = host.number(f"{device.removesuffix('/device')}/lmem_total_bytes") or 0
    link = pci.link(host, device)
    unknown[f"accelerators.{index}.free_bytes"] = "sysfs does not say how much of an Intel GPU's memory is free"
    return Card(
        Accelerator(
            index=index,
            name=pci.name(host, device) or f"Intel Graphics (PCI id 8086:{code})",
            vendor="intel",
            device_class="other",
            memory_bytes=total,
            unified_memory=integrated,
            pcie_generation=None if integrated else link.generation,
            pcie_generation_now=None if integrated else link.generation_now,
            pcie_width=None if integrated else link.width,
            pcie_width_max=None if integrated else link.width_max,
        ),
        integrated=integrated,
    )
