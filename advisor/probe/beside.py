"""What somebody says beside the cards of a machine: host memory, system, processor, power; and slices of a card."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

from advisor.catalog.entries import GpuSpec
from advisor.errors import BadInput
from advisor.pattern import Pattern
from advisor.schema import Accelerator
from advisor.units import GIB

_LEAD = r"(?:^|\s*[,;+&/(]\s*|\s+)(?:(?:with|and|on|in|under|running|plus|host|system|total)\b:?\s*)*"
_END = r"\b(?:\s*\))?"
_SIZE = r"(\d+(?:\.\d+)?)\s*(gib|gb|tib|tb|g|t)\b"
_KIND = r"(?:of\s+)?(?:(?:system|host|main|cpu|ecc|registered|(?:lp)?ddr\d\S*)\s+)*"
_MEMORY = Pattern(
    rf"{_LEAD}{_SIZE}\s*{_KIND}(?:ram|(?:lp)?ddr\d\S*|(?:system|host|main)\s+memory){_END}",
    re.I,
    needs=("ram", "ddr", "memory"),
)
_MEMORY_FIRST = Pattern(
    rf"{_LEAD}\b(?:ram|(?:system|host|main)\s+memory)\s*[:=]?\s*{_SIZE}(?:\s*\))?", re.I, needs=("ram", "memory")
)
_MEMORY_ALONE = Pattern(rf"\s*[+,;&]\s*{_SIZE}\s*(?=$|[+,;&])", re.I, needs=("+", ",", ";", "&"))
_OWN_MEMORY = Pattern(r"\b(?:video|gpu|graphics|card|unified)\s+(?:ram|memory)\b", re.I, needs=("ram", "memory"))
_SYSTEM = Pattern(
    rf"{_LEAD}\b(windows(?:\s+server)?|win|wsl|linux|ubuntu|debian|fedora|rocky|rhel|centos|proxmox|arch linux|"
    rf"mac\s?os|freebsd)(?:[\s-]*\d+(?:\.\d+)*)?(?:\s+(?:lts|pro|home|sonoma|sequoia|tahoe|ventura))*{_END}",
    re.I,
    needs=("win", "wsl", "linux", "ubuntu", "debian", "fedora", "rocky", "rhel", "centos", "proxmox", "mac", "freebsd"),
)
_PROCESSOR = Pattern(
    rf"{_LEAD}\b((?:(?:amd|intel)\s+)?(?:epyc\s+\w+|(?:ryzen\s+)?threadripper\s+(?:pro\s+)?\d\w+|"
    r"ryzen\s+[3579]\s+(?:pro\s+)?\d{4}\w*|xeon\s+(?:(?:gold|silver|platinum|bronze|max|w|e|d)[\s-]*)?\w?\d\S*(?:\s+v\d)?|"
    rf"core\s+(?:ultra\s+)?i?[3579][\s-]+\d{{3,5}}\w*|i[3579]-?\s?\d{{3,5}}\w*|\d{{4}}x3d|1[0-5]\d{{3}}k[fs]?)){_END}",
    re.I,
    needs=("epyc", "threadripper", "ryzen", "xeon", "core", "i3", "i5", "i7", "i9", "x3d", "k"),
)
_POWER = Pattern(
    rf"{_LEAD}(?:(?:@|at|limited to|power[\s-]?limit(?:ed)?(?: to)?:?)\s*)?(\d{{1,5}})\s*(?:w|watts?)\b(?!\s*psu)"
    r"(?:\s*(?:power limit|limit|tdp|tgp|each))?\s*\)?|\s*@\s*(\d{2,4})\s*w\b",
    re.I,
    needs=("w",),
)
_IDLE = Pattern(
    rf"{_LEAD}(?:\d+\s*(?:w|watts?)\s+psu|\d+(?:\.\d+)?\s*tb\s+(?:ssd|nvme|hdd|disk)){_END}", re.I, needs=("psu", "tb")
)
_MIG = Pattern(
    rf"{_LEAD}\bmig[\s:-]*(\d)g\.(\d+)gb(?:\+\w+)?\s*\)?|\b(\d)g\.(\d+)gb\s*(?:mig)?\s*(?:on|of)?\b",
    re.I,
    needs=("g.",),
)
_VGPU = Pattern(r"(?<=\w)-(\d{1,2})[QC]\b", re.I, needs=("-",))
_CORES = Pattern(r"[\s,;(]*\b(\d{1,3})[\s-]*(?:cpu\s+|physical\s+)?cores?\b\)?", re.I, needs=("core",))
_SOCKETS = Pattern(r"^\s*(?:(\d)\s*(?:x|\u00d7|\*)?|(dual|two|a\s+pair\s+of))(?=\s|$)", re.I)
_COMPUTE_SLICES = 7  # of the cards that have seven; the A30 has four
_COMPUTE_SLICES_OF = {"nvidia-a30": 4}

System = Literal["linux", "darwin", "windows"]


class Slice(NamedTuple):
    """A part of a card: a MIG profile, or the memory of a vGPU, whose share of the arithmetic is not fixed."""

    profile: str | None
    memory_gb: int
    compute_slices: int | None


class Beside(NamedTuple):
    """What was said; None or empty where nothing was."""

    host_gb: float | None = None
    apart: bool = True  # whether a comma, a plus or a word stands between card and host memory
    system: System | None = None
    wsl: bool = False
    processor: str = ""
    watts: float | None = None
    slice: Slice | None = None


def beside_in(text: str) -> tuple[str, Beside]:
    """`"RTX 4090 + 128GB RAM on Windows 11"` → `"RTX 4090"`, and what else was said."""
    whole = text
    text = _IDLE.sub(" ", _OWN_MEMORY.sub("vram", text))
    text, part = _slice_in(text)
    text, gigabytes, apart = _host_gb(text)
    text, system, wsl = _system_in(text)
    processor = _PROCESSOR.search(text)
    power = _POWER.search(text)
    text = _POWER.sub(" ", _PROCESSOR.sub(" ", text))
    text = text if text == whole else text.lstrip(" ,;+&/")
    return " ".join(text.split()), Beside(
        host_gb=gigabytes,
        apart=apart,
        system=system,
        wsl=wsl,
        processor=processor[1] if processor else "",
        watts=float(power[1] or power[2]) if power else None,
        slice=part,
    )


def cores_in(text: str) -> tuple[str, int | None]:
    """`"cpu 64GB, 32 cores"` → the text without the cores, and how many they are."""
    found = _CORES.search(text)
    return (" ".join(_CORES.sub(" ", text).split()), int(found[1])) if found and int(found[1]) else (text, None)


def sockets_in(text: str) -> tuple[int, str]:
    """How many processors of the kind that was named, and the text without that number."""
    found = _SOCKETS.search(text)
    number = int(found[1] or 2) if found else 1
    return (number, text[found.end() :].strip()) if found and number else (1, text)


def _host_gb(text: str) -> tuple[str, float | None, bool]:
    for pattern in (_MEMORY, _MEMORY_FIRST, _MEMORY_ALONE):
        found = pattern.search(text)
        if found:
            scale = 1024 if found[2].lower().startswith("t") else 1
            apart = not re.match(r"\s*\d", found[0]) or found.start() == 0
            return pattern.sub(" ", text), float(found[1]) * scale, apart
    return text, None, True


def _system_in(text: str) -> tuple[str, System | None, bool]:
    """The system; WSL is Linux that Windows runs."""
    names = [found[1].lower() for found in _SYSTEM.finditer(text)]
    if not names:
        return text, None, False
    wsl = "wsl" in names
    windows = any(name.startswith("win") for name in names) and not wsl
    apple = any(name.startswith("mac") for name in names)
    return _SYSTEM.sub(" ", text), "windows" if windows else "darwin" if apple else "linux", wsl


def _slice_in(text: str) -> tuple[str, Slice | None]:
    mig, vgpu = _MIG.search(text), _VGPU.search(text)
    if mig:
        compute, size = int(mig[1] or mig[3]), int(mig[2] or mig[4])
        return _MIG.sub(" ", text), Slice(f"{compute}g.{size}gb", size, compute)
    if vgpu:
        return _VGPU.sub(" ", text), Slice(None, int(vgpu[1]), None)
    return text, None


def sliced(card: Accelerator, spec: GpuSpec, part: Slice) -> Accelerator:
    """That part of the card, with its share of memory, bandwidth and arithmetic, and without links.

    Raises:
        BadInput: the card cannot be cut so.
    """
    from advisor.probe.nvidia_mig import memory_share  # it brings along what reads real cards

    printed = spec.memory_nominal_gb or spec.memory_bytes / GIB
    whole = _COMPUTE_SLICES_OF.get(spec.id, _COMPUTE_SLICES)
    compute = part.compute_slices
    if (part.profile and not spec.mig_capable) or part.memory_gb > printed + 1 or (compute or 1) > whole:
        raise BadInput(f"GPU {spec.name!r} has no slice of {part.profile or f'{part.memory_gb} GB'}")
    share = memory_share(round(part.memory_gb * GIB), round(printed * GIB)) if compute else part.memory_gb / printed
    arithmetic = compute / whole if compute else share
    return replace(
        card,
        name=f"{card.name} MIG {part.profile}" if part.profile else f"{card.name}-{part.memory_gb}Q",
        memory_bytes=round(part.memory_gb * spec.memory_bytes / printed),
        mig_profile=part.profile,
        bandwidth_bytes_per_s=card.bandwidth_bytes_per_s and card.bandwidth_bytes_per_s * share,
        dense_flops={dtype: rate * arithmetic for dtype, rate in card.dense_flops.items()},
        nvlink_peers=(),
        nvlink_bytes_per_s=None,
        pcie_peer_access=False,
        tdp_watts=None,
        usd_per_hour=None,
    )


def said_of(beside: Beside) -> Iterator[str]:
    """What is not obvious about it, for the list of what is assumed."""
    if beside.slice and beside.slice.profile:
        yield f"one MIG slice {beside.slice.profile}: its share of bandwidth and arithmetic is that of its profile"
    elif beside.slice:
        size = beside.slice.memory_gb
        yield f"a vGPU of {size} GB: its share of the card's speed is uncertain, that of memory is taken"
    if beside.wsl:
        yield "Linux in WSL 2"
