"""The name of a card → its entry: exact, and helpful where it is not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from advisor.catalog import from_entry, raw_entries
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_driver import match_driver_name
from advisor.catalog.gpu_text import Card, Query, cards, cards_with, has_size, read, sizes_gb
from advisor.catalog.vendors import gpu_share, vendors
from advisor.errors import BadInput
from advisor.units import GIB

__all__ = ["find_gpu", "match_driver_name", "parse_gpus", "with_cores", "with_memory"]

# Between two cards, and not inside brackets: no closing one follows before an opening one.
_BETWEEN_CARDS = re.compile(r"(?:\s\+\s|,|\s&\s|\band\b)(?![^()\[\]]*[)\]])")
_COUNT_FIRST = re.compile(r"^\s*(\d{1,3})\s*(?:[x×*]\s*|\s+)(?=\S)", re.IGNORECASE)
_COUNT_LAST = re.compile(r"\s*(?:\s|\b)[x×*]\s*(\d{1,3})\s*$", re.IGNORECASE)


def find_gpu(text: str, *, guess: bool = False) -> GpuSpec:
    """The card of that name; case, blanks, dashes and vendor words do not matter, a memory size selects.

    For unified memory the size is the machine's: `memory_bytes` of the answer is that size, and the GPU's
    share of it is `gpu_memory_fraction`. With `guess`, a question (which size?) is answered by the largest.

    Raises:
        BadInput: unknown, ambiguous, or not sold with that memory; names the nearest, or the choices.
    """
    query = read(text)
    literal = " ".join(text.lower().split())
    found = [entry for entry in raw_entries("gpus") if literal in (entry["name"].lower(), entry["id"])]
    found = found or [card.entry for card in cards_with(query.words) if _matches(card, query)]
    if not found:
        raise BadInput(_unknown(text, query))
    found = _by_cores(found, query.cores)
    if query.size_gb is not None:
        sold = [entry for entry in found if has_size(entry, query.size_gb) or not sizes_gb(entry)]
        if not sold:
            raise BadInput(_not_sold(text, query))
        found = sold
    if len(found) > 1 and not guess:
        raise BadInput(_which(text, found))
    entry = max(found, key=lambda one: (one["memory_bytes"], one.get("bandwidth_bytes_per_s", 0.0)))
    spec = from_entry(GpuSpec, entry)
    if query.cores:
        spec = with_cores(spec, query.cores)
    return _sized(spec, text, query.size_gb, guess)


def _matches(card: Card, query: Query) -> bool:
    """Every word belongs to the card, and the words that tell it apart are all there."""
    return query.words <= card.words and any(needed <= query.words for needed in card.enough)


def _by_cores(found: Sequence[Mapping[str, Any]], cores: int | None) -> list[Mapping[str, Any]]:
    """Of several bins of one chip, the one with that core count, where it has an entry."""
    exact = [entry for entry in found if cores and entry.get("cores") == cores]
    return exact or list(found)


def _sized(spec: GpuSpec, text: str, size_gb: float | None, guess: bool) -> GpuSpec:
    """Settle the machine's memory of a chip that is sold with several sizes, or with any."""
    asks = bool(spec.memory_options_bytes) or not spec.memory_bytes
    if not asks:
        return spec
    if size_gb is not None:
        return with_memory(spec, round(size_gb * GIB))
    usual = 0 if vendors()[spec.vendor].chip_bins else spec.memory_bytes
    if usual or (guess and spec.memory_bytes):
        return with_memory(spec, spec.memory_bytes)
    sizes = " or ".join(f"{size / GIB:g}" for size in spec.memory_options_bytes) or "how many"
    raise BadInput(f"GPU {text!r} shares the machine's memory: {sizes} GB? Write for example {_example(spec)!r}")


def _example(spec: GpuSpec) -> str:
    size = spec.memory_options_bytes[-1] / GIB if spec.memory_options_bytes else 32
    return f"{spec.name} {size:g}GB"


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


def _which(text: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Ask back: by memory size where that tells the variants apart."""
    ordered = sorted(found, key=lambda entry: (sizes_gb(entry), entry["name"]))
    names = ", ".join(entry["name"] for entry in ordered)
    sizes = [f"{size:g}" for entry in ordered for size in sizes_gb(entry)]
    if len(set(sizes)) == len(ordered):
        return f"GPU {text!r} comes with {' or '.join(sizes)} GB: say which ({names})"
    return f"GPU {text!r} can be {len(ordered)} cards: {names}; name one of them"


def _not_sold(text: str, query: Query) -> str:
    """Names the sizes that exist, with those of cards whose longer name holds the same words."""
    family = [card.entry for card in cards() if query.words <= card.words]
    listed = "; ".join(f"{entry['name']}: {_sizes(entry)}" for entry in family[:8])
    return f"GPU {text!r} is not sold with {query.size_gb:g} GB; there is {listed}"


def _sizes(entry: Mapping[str, Any]) -> str:
    """`"64, 128 or 192 GB"`."""
    *first, last = (f"{size:g}" for size in sizes_gb(entry)) if sizes_gb(entry) else ("any",)
    return f"{', '.join(first)} or {last} GB" if first else f"{last} GB"


def _unknown(text: str, query: Query) -> str:
    """Cards that the words could belong to, else those whose names look most alike."""
    partial = [card.entry["name"] for card in cards() if query.words and query.words <= card.words]
    if partial:
        return f"GPU {text!r} is not enough to tell the card: {', '.join(partial[:8])}?"
    scored = [(_likeness(query.words, card), card.entry["name"]) for card in cards()]
    nearest = [name for _, name in sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:5]]
    near = ", ".join(nearest)
    return f"GPU {text!r} is not in the catalogue; the nearest are {near} (see `advisor catalog gpus`)"


def _likeness(words: frozenset[str], card: Card) -> float:
    """0 to 1: how much each word looks like one of the card's, less for needed words that are missing."""
    if not words:
        return 0.0
    alike = sum(max(difflib.SequenceMatcher(None, word, own).ratio() for own in card.words) for word in words)
    missing = min(len(needed - words) for needed in card.enough)
    return alike / len(words) - 0.1 * missing


def parse_gpus(text: str, *, guess: bool = False) -> list[tuple[int, GpuSpec]]:
    """`"2x RTX 3090 + RTX 4090"` → two of the one and one of the other; what is in brackets stays together.

    Raises:
        BadInput: a count of zero, or a card that `find_gpu` refuses.
    """
    return [_counted(part, guess=guess) for part in _BETWEEN_CARDS.split(text)]


def _counted(part: str, *, guess: bool) -> tuple[int, GpuSpec]:
    """`"2x RTX 4090"`, `"RTX 4090 x2"` and `"2 RTX 4090"` are all two."""
    first, last = _COUNT_FIRST.search(part), _COUNT_LAST.search(part)
    count = int(first[1]) if first else int(last[1]) if last else 1
    name = part[first.end() :] if first else part[: last.start()] if last else part
    if not name.strip():
        raise BadInput(f"GPU {part!r}: no card is named; write for example '2x RTX 4090'")
    if count < 1:
        raise BadInput(f"GPU {part!r}: the count must be at least 1")
    return count, find_gpu(name, guess=guess)
