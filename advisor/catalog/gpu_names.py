"""The name of a card → its entry: exact, and helpful where it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from advisor.catalog import from_entry
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_asked import not_sold, unknown, which, which_size
from advisor.catalog.gpu_driver import MOST_NAME, match_driver_name
from advisor.catalog.gpu_matching import Otherwise, matching, sized_otherwise
from advisor.catalog.gpu_text import Query, has_size, read, sizes_gb
from advisor.catalog.vendors import gpu_share, vendors
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.units import GIB

__all__ = ["Found", "find_gpu", "look_up", "match_driver_name", "with_cores", "with_memory"]

_SAME_RATE = 0.9  # of two variants with the same memory, whose bandwidths are this near: they answer alike


class Found(NamedTuple):
    """A card as it was read, and what had to be taken for granted."""

    spec: GpuSpec
    notes: tuple[str, ...] = ()


def find_gpu(text: str, *, guess: bool = False) -> GpuSpec:
    """The card of that name: `look_up` without what it took for granted.

    Raises:
        BadInput: unknown or ambiguous; names the nearest, or the choices.
    """
    return look_up(text, guess=guess).spec


def look_up(text: str, *, guess: bool = False, machine_gb: float | None = None) -> Found:
    """The card of that name; case, blanks, dashes and vendor words do not matter, a memory size selects.

    For unified memory the size is the machine's: `memory_bytes` of the answer is that size, and the GPU's
    share of it is `gpu_memory_fraction`. A size that the card is not sold with, and that its board can be
    fitted with, is accepted with a note.

    Args:
        text: the name as somebody writes it.
        guess: a question (which size?) is answered by the largest.
        machine_gb: memory of the machine, where that was said beside the card.

    Raises:
        BadInput: unknown or ambiguous; names the nearest, or the choices; longer than any name.
    """
    if len(text) > MOST_NAME:
        raise BadInput(f"GPU {shown(text)}: is longer than any name of a card ({MOST_NAME} characters)")
    query, found, notes = matching(text, read(text))
    if not found:
        raise unknown(text, query)
    if query.size_gb is None and machine_gb and all(entry.get("unified_memory") for entry in found):
        query = query._replace(size_gb=machine_gb)
    found, other = _by_size(text, query, _by_cores(found, query.cores))
    found, told = _alike(found)
    if len(found) > 1 and not guess:
        raise which(text, found)
    entry = max(found, key=lambda one: (one["memory_bytes"], one.get("bandwidth_bytes_per_s", 0.0)))
    spec = from_entry(GpuSpec, entry)
    if query.cores:
        spec = with_cores(spec, query.cores)
    if other is None:
        return Found(_sized(spec, text, query.size_gb, guess), notes + told)
    return Found(_fitted(spec, other.fitted_gb) if other.fitted_gb else spec, (*notes, *told, other.note))


def _by_cores(found: Sequence[Mapping[str, Any]], cores: int | None) -> list[Mapping[str, Any]]:
    """Of several bins of one chip, the one with that core count, where it has an entry."""
    exact = [entry for entry in found if cores and entry.get("cores") == cores]
    return exact or list(found)


def _by_size(
    text: str, query: Query, found: list[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], Otherwise | None]:
    """The entries with the size that was said; else the one that it can mean.

    Raises:
        BadInput: none is sold with it, and none can be fitted with it.
    """
    size = query.size_gb
    if size is None:
        return found, None
    sold = [entry for entry in found if has_size(entry, size) or not sizes_gb(entry)]
    if sold:
        return sold, None
    other = sized_otherwise(query, found)
    if other is None:
        raise not_sold(text, query)
    return [other.entry], other


def _fitted(spec: GpuSpec, size_gb: float) -> GpuSpec:
    """The same card with other memory; what its driver keeps from the printed size stays in proportion."""
    printed = (spec.memory_nominal_gb or spec.memory_bytes / GIB) * GIB
    return replace(spec, memory_bytes=round(spec.memory_bytes * size_gb * GIB / printed), memory_nominal_gb=size_gb)


def _alike(found: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], tuple[str, ...]]:
    """Variants that answer alike (same memory, near the same bandwidth) are the slower one, with a note."""
    rates = [entry.get("bandwidth_bytes_per_s") or 0.0 for entry in found]
    same = len({(entry["memory_bytes"], entry.get("compute_capability")) for entry in found}) == 1
    if len(found) < 2 or not same or min(rates) < _SAME_RATE * max(rates):
        return found, ()
    slower = found[rates.index(min(rates))]
    others = ", ".join(entry["name"] for entry in found if entry is not slower)
    return [slower], (f"{slower['name']} is assumed; it can be {others} as well, which is nearly as fast",)


def _sized(spec: GpuSpec, text: str, size_gb: float | None, guess: bool) -> GpuSpec:
    """Settle the machine's memory of a chip that is sold with several sizes, or with any."""
    asks = bool(spec.memory_options_bytes) or not spec.memory_bytes
    if not asks:
        return with_memory(spec, spec.memory_bytes) if spec.unified_memory else spec
    if size_gb is not None:
        return with_memory(spec, round(size_gb * GIB))
    usual = 0 if vendors()[spec.vendor].chip_bins else spec.memory_bytes
    if usual or (guess and spec.memory_bytes):
        return with_memory(spec, spec.memory_bytes)
    raise which_size(text, spec)


def with_memory(spec: GpuSpec, memory_bytes: int) -> GpuSpec:
    """The same chip in a machine with that much memory, and the share of it that its GPU may use."""
    share = gpu_share(vendors()[spec.vendor], memory_bytes)
    fraction = spec.gpu_memory_fraction if share is None else share
    return replace(spec, memory_bytes=memory_bytes, gpu_memory_fraction=fraction)


def with_cores(spec: GpuSpec, cores: int) -> GpuSpec:
    """The same chip with another number of GPU cores: arithmetic scales with them, bandwidth does not."""
    if not spec.cores or cores == spec.cores or not vendors()[spec.vendor].chip_bins:
        return spec
    scaled = {dtype: rate * cores / spec.cores for dtype, rate in spec.dense_flops.items()}
    return replace(spec, cores=cores, dense_flops=scaled)
