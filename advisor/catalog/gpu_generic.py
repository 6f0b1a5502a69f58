"""A card that no table holds, by its figures: `"48GB, 1008 GB/s, cc 8.9"`."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from advisor.catalog import gpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_text import read
from advisor.catalog.vendor_entries import VendorSpec
from advisor.catalog.vendors import vendors
from advisor.errors import BadInput
from advisor.pattern import Pattern
from advisor.schema import Vendor
from advisor.units import GB, GIB, TERA

_RATE = Pattern(
    r"[\s,;(]*(\d+(?:\.\d+)?)\s*(gb|tb|gib)(?:/s|ps|\s+per\s+s(?:econd)?)\b\)?",
    re.IGNORECASE,
    needs=("gb", "tb", "gib"),
)
_CAPABILITY = Pattern(
    r"[\s,;(]*(?:cc|sm|compute capability)[\s_]*(\d{1,2})\.?(\d)\b\)?", re.IGNORECASE, needs=("cc", "sm", "compute")
)
_TARGET = Pattern(r"[\s,;(]*\b(gfx[0-9a-f]{3,4})\b\)?", re.IGNORECASE, needs=("gfx",))
_TFLOPS = Pattern(r"[\s,;(]*(\d+(?:\.\d+)?)\s*tflops?(?:\s*(?:fp16|bf16))?\)?", re.IGNORECASE, needs=("tflop",))


class Figures(NamedTuple):
    """What somebody says about a card in numbers, and the text without it."""

    rest: str
    bandwidth_bytes_per_s: float
    capability: str | None
    tflops: float | None


def figures_in(text: str) -> Figures | None:
    """The figures beside, or instead of, a name; None where no bandwidth is given."""
    rate = _RATE.search(text)
    if not rate:
        return None
    capability, target, tflops = _CAPABILITY.search(text), _TARGET.search(text), _TFLOPS.search(text)
    for pattern in (_RATE, _CAPABILITY, _TARGET, _TFLOPS):
        text = pattern.sub(" ", text)
    scale = 1000 * GB if rate[2].lower() == "tb" else GB
    said = f"{capability[1]}.{capability[2]}" if capability else target[1].lower() if target else None
    rest = " ".join(text.split()).strip(" ,;")
    return Figures(rest, float(rate[1]) * scale, said, float(tflops[1]) if tflops else None)


def generic(text: str, figures: Figures) -> tuple[GpuSpec, tuple[str, ...]]:
    """A discrete card with those figures, and what had to be taken for granted.

    Arithmetic that is not given is that of the catalogue's card with the same capability and the nearest bandwidth, in
    proportion to bandwidth.

    Raises:
        BadInput: no memory size is given.
    """
    size = read(figures.rest).size_gb
    if not size:
        raise BadInput(f"GPU {text!r}: how many GB? Write for example '48GB, 1008 GB/s, cc 8.9'")
    vendor = _vendor(figures).name
    capability = figures.capability or _usual(vendor)
    rates, like = _rates(figures, vendor, capability)
    rate = f"{figures.bandwidth_bytes_per_s / GB:g} GB/s"
    notes = [f"a card by its figures, {size:g} GB at {rate}: no entry of the catalogue"]
    if figures.capability is None:
        notes.append(f"no compute capability is given: {capability or 'no build target'} of {vendor} is assumed")
    if like:
        notes.append(f"its arithmetic is that of the {like}, in proportion to bandwidth")
    spec = GpuSpec(
        id="",
        vendor=vendor,
        name=f"card of {size:g} GB at {rate}",
        match=(),
        device_class="consumer",
        architecture="unknown",
        compute_capability=capability,
        memory_bytes=round(size * GIB),
        bandwidth_bytes_per_s=figures.bandwidth_bytes_per_s,
        dense_flops=rates,
        flops_basis="assumed",
        interconnect="none; PCIe 4.0 x16",
        confidence="low",
    )
    return spec, tuple(notes)


def _vendor(figures: Figures) -> VendorSpec:
    """Who is named; else whose capabilities are written so; else whose cards are on offer everywhere."""
    words = set(figures.rest.lower().split())
    named = [vendor for vendor in vendors().values() if words.intersection((vendor.name, *vendor.name_words))]
    target = (figures.capability or "").startswith("gfx")
    written = [vendor for vendor in vendors().values() if vendor.build_targets == target and vendor.offered != target]
    return (named or written)[0]


def _usual(vendor: Vendor) -> str | None:
    """The capability of most of its discrete cards."""
    every = (spec.compute_capability for spec in gpus() if spec.vendor == vendor and not spec.unified_memory)
    return Counter(every).most_common(1)[0][0]


def _rates(figures: Figures, vendor: Vendor, capability: str | None) -> tuple[dict[str, float], str]:
    """FLOP/s by dtype, and the card they were taken from; empty where none is alike."""
    wanted = figures.bandwidth_bytes_per_s
    alike = [spec for spec in gpus() if spec.vendor == vendor and spec.compute_capability == capability]
    alike = [spec for spec in alike if spec.dense_flops and spec.bandwidth_bytes_per_s and not spec.unified_memory]
    if figures.tflops:
        return {"fp16": figures.tflops * TERA, "bf16": figures.tflops * TERA}, ""
    if not alike:
        return {}, ""
    like = min(alike, key=lambda spec: (abs((spec.bandwidth_bytes_per_s or 0.0) - wanted), spec.id))
    share = wanted / (like.bandwidth_bytes_per_s or wanted)
    return {dtype: round(rate * share, -6) for dtype, rate in like.dense_flops.items()}, like.name
