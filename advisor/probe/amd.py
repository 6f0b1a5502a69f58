"""AMD GPUs by the kernel's own files (amdgpu and KFD); where there is amd-smi, it adds names and versions."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from advisor.probe import amd_processes, amd_smi, memory, pci
from advisor.probe.card import Card, Reading
from advisor.probe.host import Host, Started, properties
from advisor.schema import Accelerator
from advisor.units import whole

_NODES = "/sys/class/kfd/kfd/topology/nodes"
_VENDOR = "0x1002"
_XGMI = "11"  # link type in KFD's io_links
# Graphics that are part of the processor and live in system memory.
_INTEGRATED = frozenset(
    f"gfx{version}"
    for version in "902 909 90c 1013 1033 1035 1036 1037 1103 1150 1151 1152 1153".split()  # noqa: SIM905 - reads
)


class Gpu(NamedTuple):
    """One GPU: its device folder, and its KFD node where ROCm's kernel side knows it."""

    device: str
    node: str | None
    properties: dict[str, str]


class Asked(NamedTuple):
    """Every GPU, and amd-smi's answers to come."""

    gpus: list[Gpu]
    smi: tuple[Started, ...]


def find(host: Host) -> list[Gpu]:
    """Every AMD GPU in ROCm's order, then those that only the display driver knows."""
    gpus = [*_compute_gpus(host)]
    known = {_identity(host, gpu.device) for gpu in gpus}
    for name in host.names("/sys/class/drm"):
        device = f"/sys/class/drm/{name}/device"
        if not name.startswith("card") or "-" in name or host.text(f"{device}/vendor") != _VENDOR:
            continue
        if _identity(host, device) not in known and host.exists(f"{device}/mem_info_vram_total"):
            gpus.append(Gpu(device, None, {}))
    return gpus


def ask(host: Host) -> Asked:
    """Start amd-smi where there is an AMD GPU."""
    gpus = find(host)
    return Asked(gpus, amd_smi.ask(host) if gpus else ())


def read(host: Host, asked: Asked, unknown: dict[str, str]) -> Reading:
    """Read every GPU found."""
    gpus = asked.gpus
    if not gpus:
        return Reading()
    smi = amd_smi.finish(asked.smi)
    cards = [
        _card(host, gpu, place, smi.names.get(_identity(host, gpu.device)), unknown) for place, gpu in enumerate(gpus)
    ]
    rocm = smi.rocm or host.text("/opt/rocm/.info/version")
    if rocm is None:
        unknown["rocm_version"] = smi.reason or "neither amd-smi nor /opt/rocm names a version"
    return Reading(tuple(_with_peers(host, gpus, cards)), {"rocm_version": rocm})


def _compute_gpus(host: Host) -> list[Gpu]:
    gpus = []
    for node in host.names(_NODES):
        found = properties(host.text(f"{_NODES}/{node}/properties") or "")
        minor = found.get("drm_render_minor", "0")
        if found.get("simd_count", "0") != "0" and minor != "0":
            gpus.append(Gpu(f"/sys/class/drm/renderD{minor}/device", node, found))
    return gpus


def _identity(host: Host, device: str) -> str:
    """The PCI address, by which card and render node are known to be the same device."""
    for line in (host.text(f"{device}/uevent") or "").splitlines():
        if line.startswith("PCI_SLOT_NAME="):
            return line.partition("=")[2].lower()
    return device


def _card(host: Host, gpu: Gpu, index: int, smi_name: str | None, unknown: dict[str, str]) -> Card:
    target = gfx_target(gpu.properties.get("gfx_target_version", "0"))
    integrated = target in _INTEGRATED
    total, free = _memory(host, gpu.device, integrated)
    key = f"accelerators.{index}"
    if target is None:
        unknown[f"{key}.compute_capability"] = "KFD does not list this GPU (is /dev/kfd there?)"
    if total == 0:
        unknown[f"{key}.memory_bytes"] = "amdgpu reports no memory total"
    _mention_partition(host, gpu.device, key, unknown)
    link = pci.link(host, gpu.device)
    names = [*_names(host, gpu.device, smi_name), f"AMD GPU {target or ''}".strip()]
    return Card(
        Accelerator(
            index=index,
            name=names[0],
            vendor="amd",
            device_class="other",
            memory_bytes=total,
            free_bytes=free,
            compute_capability=target,
            unified_memory=integrated,
            pcie_generation=None if integrated else link.generation,
            pcie_generation_now=None if integrated else link.generation_now,
            pcie_width=None if integrated else link.width,
            pcie_width_max=None if integrated else link.width_max,
            processes=amd_processes.read(host, gpu.node and host.text(f"{_NODES}/{gpu.node}/gpu_id")),
        ),
        cores=_compute_units(gpu.properties),
        other_names=tuple(names[1:]),
        integrated=integrated,
        maybe_one_die=not integrated,
    )


def gfx_target(version: str) -> str | None:
    """`90402` → `gfx942`: major, then minor and stepping as hex digits; None for a processor's node."""
    number = whole(version)
    return f"gfx{number // 10000}{number // 100 % 100:x}{number % 100:x}" if number else None


def _memory(host: Host, device: str, integrated: bool) -> tuple[int, int | None]:
    """Total and free bytes; an integrated GPU has its carve-out and what it may map of system memory."""
    total, used = host.number(f"{device}/mem_info_vram_total"), host.number(f"{device}/mem_info_vram_used")
    free = None if total is None or used is None else total - used
    if not integrated:
        return total or 0, free
    gtt = host.number(f"{device}/mem_info_gtt_total") or 0
    gtt_free = gtt - (host.number(f"{device}/mem_info_gtt_used") or 0)
    system = memory.read(host)
    if system and system.available_bytes is not None:
        gtt_free = min(gtt_free, system.available_bytes)
    return (total or 0) + gtt, None if free is None else free + gtt_free


def _names(host: Host, device: str, smi_name: str | None) -> list[str]:
    """What the GPU is called: by amd-smi, by the board, by its PCI id."""
    found = (smi_name, host.text(f"{device}/product_name"), pci.name(host, device))
    return [name for name in dict.fromkeys(found) if name]


def _compute_units(node: dict[str, str]) -> int | None:
    simds, per_unit = int(node.get("simd_count", "0")), int(node.get("simd_per_cu", "0"))
    return simds // per_unit if simds and per_unit else None


def _mention_partition(host: Host, device: str, key: str, unknown: dict[str, str]) -> None:
    mode = host.text(f"{device}/current_compute_partition")
    if mode not in (None, "", "SPX"):
        unknown[f"{key}.compute_partition"] = (
            f"the card runs in partition mode {mode}; bandwidth and FLOP/s are those of the whole card"
        )


def _with_peers(host: Host, gpus: list[Gpu], cards: list[Card]) -> list[Card]:
    """The same cards with the GPUs that their Infinity Fabric (xGMI) links lead to."""
    by_node = {gpu.node: card.accelerator.index for gpu, card in zip(gpus, cards, strict=True) if gpu.node}
    linked = []
    for gpu, card in zip(gpus, cards, strict=True):
        targets = _xgmi_nodes(host, gpu.node) if gpu.node else []
        peers = tuple(sorted(by_node[node] for node in targets if node in by_node))
        linked.append(replace(card, accelerator=replace(card.accelerator, nvlink_peers=peers)))
    return linked


def _xgmi_nodes(host: Host, node: str) -> list[str]:
    folder = f"{_NODES}/{node}/io_links"
    links = (properties(host.text(f"{folder}/{name}/properties") or "") for name in host.names(folder))
    return [link["node_to"] for link in links if link.get("type") == _XGMI and "node_to" in link]
