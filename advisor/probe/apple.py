"""Apple silicon: chip, GPU cores and memory by sysctl, system_profiler and vm_stat."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from advisor.catalog.vendors import gpu_share, vendors
from advisor.edge.reading import said_json
from advisor.probe.card import Card, Reading
from advisor.probe.host import Host, Started, first_line
from advisor.schema import Accelerator, Cpu
from advisor.units import MIB, whole

_SYSCTL = (
    "machdep.cpu.brand_string",
    "hw.memsize",
    "hw.physicalcpu",
    "hw.logicalcpu",
    "iogpu.wired_limit_mb",
    "hw.optional.neon",
    "hw.optional.arm.FEAT_DotProd",
    "hw.optional.arm.FEAT_I8MM",
    "hw.optional.arm.FEAT_BF16",
    "hw.optional.arm.FEAT_FP16",
)
_SETS = {
    "hw.optional.neon": "neon",
    "hw.optional.arm.FEAT_DotProd": "dotprod",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_FP16": "fp16",
}


class Asked(NamedTuple):
    """The questions that are running."""

    sysctl: Started
    displays: Started
    vm_stat: Started


def ask(host: Host) -> Asked:
    """Start sysctl, system_profiler and vm_stat together."""
    return Asked(
        sysctl=host.command("sysctl", *_SYSCTL),
        displays=host.command("system_profiler", "-json", "SPDisplaysDataType"),
        vm_stat=host.command("vm_stat"),
    )


def read(host: Host, asked: Asked, unknown: dict[str, str]) -> Reading:
    """The processor, and its GPU as one unified-memory accelerator (none on an Intel Mac)."""
    facts = _sysctl(asked, unknown)
    total = _integer(facts.get("hw.memsize")) or 0
    available = _available_bytes(asked, unknown)
    cpu = _cpu(host, facts, total, available, unknown)
    chip = facts.get("machdep.cpu.brand_string", "")
    if not chip.startswith("Apple "):
        unknown["accelerators"] = f"{chip or 'this Mac'} is not Apple silicon: neither engine uses its GPU"
        return Reading(cpu=cpu)
    limit_mib = _integer(facts.get("iogpu.wired_limit_mb"))
    usable = limit_mib * MIB if limit_mib else metal_working_set_bytes(total)
    if not limit_mib:
        unknown["accelerators.0.memory_bytes"] = (
            "iogpu.wired_limit_mb is unset and only Metal itself names its limit: the share of older macOS, "
            f"{usable / max(1, total):.0%} of memory, is taken"
        )
    card = Card(
        Accelerator(
            index=0,
            name=chip,
            vendor="apple",
            device_class="other",
            memory_bytes=usable,
            free_bytes=None if available is None else min(usable, available),
            unified_memory=True,
        ),
        cores=_gpu_cores(asked, chip, unknown),
        whole_memory_bytes=total,
    )
    return Reading((card,), cpu=cpu)


def metal_working_set_bytes(memory_bytes: int) -> int:
    """What Metal lets the GPU keep resident when `iogpu.wired_limit_mb` is unset."""
    return int(memory_bytes * (gpu_share(vendors()["apple"], memory_bytes) or 1.0))


def _sysctl(asked: Asked, unknown: dict[str, str]) -> dict[str, str]:
    answer = asked.sysctl()  # exits with 1 when one name is unknown to this macOS, and still prints the others
    facts = {}
    for line in answer.text.splitlines():
        name, separator, text = line.partition(": ")
        if separator:
            facts[name.strip()] = text.strip()
    if not facts:
        unknown["cpu.model"] = first_line(answer.error) or "sysctl gave no answer"
    return facts


def _cpu(host: Host, facts: dict[str, str], total: int, available: int | None, unknown: dict[str, str]) -> Cpu:
    unknown["cpu.bandwidth_bytes_per_s"] = "no source says which share of the chip's bandwidth its CPU cores reach"
    unknown["cpu.dense_flops"] = "macOS names no clock"
    logical = _integer(facts.get("hw.logicalcpu")) or 1
    return Cpu(
        model=facts.get("machdep.cpu.brand_string") or "unknown Apple processor",
        architecture="aarch64" if host.machine == "arm64" else host.machine,
        cores=float(_integer(facts.get("hw.physicalcpu")) or logical),
        threads=logical,
        memory_bytes=total,
        available_bytes=available,
        instruction_sets=tuple(ours for theirs, ours in _SETS.items() if facts.get(theirs) == "1"),
    )


def _available_bytes(asked: Asked, unknown: dict[str, str]) -> int | None:
    """Free, inactive, purgeable and speculative pages: what can be had without swapping."""
    answer = asked.vm_stat()
    size = re.search(r"page size of (\d+) bytes", answer.text)
    pages = dict(re.findall(r"^Pages ([a-z ]+):\s+(\d+)\.?$", answer.text, re.MULTILINE))
    if not size or "free" not in pages:
        unknown["cpu.available_bytes"] = first_line(answer.error) or "vm_stat gave no answer"
        return None
    count = sum(int(pages.get(kind, 0)) for kind in ("free", "inactive", "purgeable", "speculative"))
    return count * int(size.group(1))


def _gpu_cores(asked: Asked, chip: str, unknown: dict[str, str]) -> int | None:
    """GPU cores tell apart chips of one name (M3 Max with 30 or 40)."""
    answer = asked.displays()
    for display in _displays(answer.text):
        if display.get("sppci_model") == chip or display.get("spdisplays_vendor") == "sppci_vendor_Apple":
            cores = _integer(str(display.get("sppci_cores", "")))
            if cores:
                return cores
    unknown["accelerators.0.cores"] = first_line(answer.error) or "system_profiler names no GPU core count"
    return None


def _displays(text: str) -> list[dict[str, Any]]:
    loaded = said_json(text)
    entries = loaded.get("SPDisplaysDataType") if isinstance(loaded, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _integer(text: str | None) -> int | None:
    return whole(text or "")
