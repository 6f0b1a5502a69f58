"""The lines of the hardware report: label and text, plain enough to paste into an issue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from advisor.catalog.vendors import vendor_of, vendors
from advisor.schema import Accelerator, Cpu, Hardware, RunningEngine
from advisor.units import GB, GIB, MIB, TERA, gib

_SHOWN_MODELS = 6
Line = tuple[str, str]  # label, text; a continuation has an empty label


def lines(hardware: Hardware) -> Iterator[Line]:
    """Every fact of `hardware`, most important first; what did not answer comes last with its reason."""
    yield "machine", _machine(hardware)
    if hardware.note:
        yield "note", hardware.note
    if not hardware.accelerators:
        yield "accelerators", "none"
    for group in _alike(hardware.accelerators):
        yield from _group(group, alone=len(hardware.accelerators) == 1)
    yield from _cpu(hardware.cpu)
    if hardware.disk_free_bytes is not None:
        where = f" at {hardware.disk_path}" if hardware.disk_path else ""
        yield "disk", f"{gib(hardware.disk_free_bytes)} free{where}"
    yield from _drivers(hardware)
    yield "containers", _containers(hardware)
    for installed in hardware.engines:
        yield (
            "installed",
            f"{installed.engine} {installed.version or '(version unknown)'} ({installed.found_in}: {installed.place})",
        )
    for answering in hardware.running:
        yield "running", _running(answering)
    for label, texts in (("assumed", hardware.assumed), ("no answer", _unknown(hardware))):
        for number, text in enumerate(texts):
            yield (label if number == 0 else ""), text


def _drivers(hardware: Hardware) -> Iterator[Line]:
    """The driver of each vendor whose first version is known."""
    for vendor in vendors().values():
        versions = [(words, getattr(hardware, name)) for name, words in vendor.driver_fields.items()]
        if versions and versions[0][1]:
            yield vendor.driver_title, ", ".join(f"{words}{version or 'unknown'}" for words, version in versions)


def _machine(hardware: Hardware) -> str:
    system = hardware.os_version or {"linux": "Linux", "darwin": "macOS"}.get(hardware.os, hardware.os)
    inside = " in WSL" if hardware.wsl else ""
    return f"{system}{inside}, {hardware.cpu.architecture} ({hardware.source})"


def _alike(accelerators: Sequence[Accelerator]) -> list[list[Accelerator]]:
    """Neighbours that differ in nothing but what they hold now are told together."""
    groups: list[list[Accelerator]] = []
    for accelerator in accelerators:
        if groups and _kind(groups[-1][0]) == _kind(accelerator):
            groups[-1].append(accelerator)
        else:
            groups.append([accelerator])
    return groups


def _kind(accelerator: Accelerator) -> Accelerator:
    return replace(
        accelerator,
        index=len(accelerator.nvlink_peers),
        nvlink_peers=(),
        free_bytes=None,
        processes=None,
        pcie_generation_now=None,
    )


def _group(group: Sequence[Accelerator], *, alone: bool) -> Iterator[Line]:
    first, last = group[0], group[-1]
    kind = ", ".join(part for part in (first.architecture, first.compute_capability) if part)
    title = first.name + (f" ({kind})" if kind else "")
    if first is last:
        yield f"GPU {first.index}", title
    else:
        yield f"GPU {first.index}-{last.index}", f"{len(group)} x {title}, each:"
    yield "", _memory(group)
    yield "", _rates(first)
    links = _links(group, alone=alone)
    if links:
        yield "", links
    for accelerator in group:
        if accelerator.processes:
            yield "", _holders(accelerator, named=first is not last)


def _holders(accelerator: Accelerator, *, named: bool) -> str:
    held = (
        f"{process.name or 'unknown program'} (pid {process.pid}"
        + (f", {_amount(process.used_bytes)})" if process.used_bytes is not None else ")")
        for process in accelerator.processes or ()
    )
    return f"{f'GPU {accelerator.index} ' if named else ''}held by {', '.join(held)}"


def _amount(n_bytes: int) -> str:
    return gib(n_bytes) if n_bytes >= GIB else f"{n_bytes / MIB:.0f} MiB"


def _memory(group: Sequence[Accelerator]) -> str:
    accelerator = group[0]
    total = gib(accelerator.memory_bytes) if accelerator.memory_bytes else "memory unknown"
    parts = [f"{total} of unified memory" if accelerator.unified_memory else f"{total} of memory"]
    free = sorted({gib(card.free_bytes) for card in group if card.free_bytes is not None})
    if free:
        parts.append(f"{' to '.join(dict.fromkeys((free[0], free[-1])))} free")
    if accelerator.mig_profile:
        parts.append(f"MIG slice {accelerator.mig_profile}")
    if accelerator.power_share < 1.0:
        parts.append(f"held to {accelerator.power_share:.0%} of its power")
    if accelerator.ecc_enabled is not None:
        parts.append(f"ECC {'on' if accelerator.ecc_enabled else 'off'}")
    return ", ".join(parts)


def _rates(accelerator: Accelerator) -> str:
    if accelerator.bandwidth_bytes_per_s is None:
        return "bandwidth unknown"
    dtypes = [dtype for dtype in ("fp32", "fp16", "bf16", "fp8", "int8", "fp4") if dtype in accelerator.dense_flops]
    rates = ", ".join(f"{dtype} {accelerator.dense_flops[dtype] / TERA:.0f}" for dtype in dtypes)
    bandwidth = f"{accelerator.bandwidth_bytes_per_s / GB:,.0f} GB/s"
    return f"{bandwidth}; dense TFLOP/s: {rates}" if rates else bandwidth


def _links(group: Sequence[Accelerator], *, alone: bool) -> str:
    accelerator, parts = group[0], []
    if accelerator.pcie_generation:
        parts.append(_pcie(accelerator))
    if accelerator.nvlink_peers:
        rate = accelerator.nvlink_bytes_per_s
        speed = f" at {rate / GB:.0f} GB/s each way" if rate else ""
        everyone = {card.index for card in group}
        all_linked = len(group) > 1 and {accelerator.index, *accelerator.nvlink_peers} == everyone
        peers = "each other" if all_linked else f"GPU {', '.join(map(str, accelerator.nvlink_peers))}"
        parts.append(f"{vendor_of(accelerator).link} to {peers}{speed}")
    if accelerator.pcie_peer_access is not None and not alone:
        parts.append("peer access over PCIe" if accelerator.pcie_peer_access else "no peer access over PCIe")
    return "; ".join(parts)


def _pcie(accelerator: Accelerator) -> str:
    text = f"PCIe {accelerator.pcie_generation}.0"
    if accelerator.pcie_width:
        text += f" x{accelerator.pcie_width}"
    remarks = []
    if accelerator.pcie_width_max and accelerator.pcie_width_max != accelerator.pcie_width:
        remarks.append(f"the card can x{accelerator.pcie_width_max}")
    if accelerator.pcie_generation_now and accelerator.pcie_generation_now != accelerator.pcie_generation:
        remarks.append(f"idle at {accelerator.pcie_generation_now}.0 now")
    if remarks:
        text += f" ({', '.join(remarks)})"
    return text


def _cpu(cpu: Cpu) -> Iterator[Line]:
    nodes = f", {cpu.numa_nodes} NUMA nodes" if cpu.numa_nodes > 1 else ""
    yield "CPU", f"{cpu.model}: {cpu.cores:g} cores, {cpu.threads} threads{nodes}"
    rate = f"{cpu.bandwidth_bytes_per_s / GB:.0f} GB/s" if cpu.bandwidth_bytes_per_s else "bandwidth unknown"
    basis = {"analytic": "in theory", "calibrated": "estimated", "measured": "measured"}[cpu.basis]
    yield (
        "",
        f"{' '.join(cpu.instruction_sets) or 'no vector units known'}; {rate}"
        + (f" {basis}" if cpu.bandwidth_bytes_per_s else ""),
    )
    free = f", {gib(cpu.available_bytes)} available" if cpu.available_bytes is not None else ""
    yield "memory", f"{gib(cpu.memory_bytes)}{free}"


def _containers(hardware: Hardware) -> str:
    found = hardware.containers
    if not found.engine:
        return "no engine"
    parts = [f"{found.engine} {found.engine_version or '(version unknown)'}"]
    parts.append(f"Compose {found.compose_version}" if found.compose_version else "no Compose")
    for toolkit in (vendor.toolkit for vendor in vendors().values() if vendor.toolkit):
        version = getattr(found, toolkit.version_field)
        parts += [f"{toolkit.title} {version}"] if version else []
    if found.cdi_devices:
        parts.append(f"CDI {' '.join(found.cdi_devices)}")
    return ", ".join(parts)


def _running(answering: RunningEngine) -> str:
    models = [
        model.name + (f" ({_amount(model.loaded_bytes)} loaded)" if model.loaded_bytes else "")
        for model in answering.models
    ]
    shown = ", ".join(models[:_SHOWN_MODELS]) or "no model"
    more = f" and {len(models) - _SHOWN_MODELS} more" if len(models) > _SHOWN_MODELS else ""
    version = answering.version or "(version unknown)"
    return f"{answering.engine} {version} at {answering.address}: {shown}{more}"


def _unknown(hardware: Hardware) -> list[str]:
    return [f"{field}: {reason}" for field, reason in hardware.unknown.items()]
