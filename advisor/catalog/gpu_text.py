"""How people write the name of a card: words, memory size, core count; and which words tell cards apart."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.catalog import constants, raw_entries
from advisor.catalog.vendors import vendors
from advisor.units import GIB

_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)\s*-?(gb|gib|gbs|gigs?|gigabytes?|g|mib|mb|tb|tib)\b(?!/)")
_PER_GB = {"m": 1 / 1024, "t": 1024.0}  # by the first letter of the unit
_CORES = re.compile(r"(\d+)\s*[-\u2010-\u2015 ]?\s*(?:gpu\s*)?cores?\b(?:\s*gpu)?")
_WORD = re.compile(r"[a-z0-9]+")

# Words that say nothing about which card it is, beside those of the vendors.
_NOISE = """
graphics gpu gpus r tm card generation edition lovelace corporation one of four per the with w nvgpu radv system
systems integrated igpu
"""
# Remarks in parentheses that are no name of their own.
_REMARKS = frozenset(("gddr5", "gddr6", "grace hopper", "blackwell ultra", "per gpu", "per chip", "apu", "pascal"))
# Words on memory, slot and machine, which tell some cards apart and stand idle beside the others.
_IDLE = re.compile(r"(?:lp)?g?ddr\d?x?|hbm\d?e?|x\d+|\d+bit|server|workstation")


class Query(NamedTuple):
    """What a person wrote: words, gigabytes if given, GPU cores if given."""

    words: frozenset[str]
    size_gb: float | None
    cores: int | None


class Card(NamedTuple):
    """An entry's names: every set of words that is enough, and all words that may stand beside them."""

    entry: Mapping[str, Any]
    enough: tuple[frozenset[str], ...]
    words: frozenset[str]


def read(text: str) -> Query:
    """`"RTX4060Ti 16GB"` → words rtx, 4060, ti; 16 GB; no core count."""
    lowered = text.lower().replace("\u2011", "-")
    size = _SIZE.search(lowered)
    gigabytes = float(size[1]) * _PER_GB.get(size[2][0], 1.0) if size else None
    rest = _SIZE.sub(" ", lowered)
    cores = _CORES.search(rest)
    rest = _CORES.sub(" ", rest)
    words = frozenset(part for word in _words(rest) for part in _split(word)) - _noise()
    return Query(words, gigabytes, int(cores[1]) if cores else None)


@functools.cache
def _noise() -> frozenset[str]:
    makers = (word for vendor in vendors().values() for word in vendor.name_words)
    return frozenset((*_NOISE.split(), *constants("products")["noise"].split(), *makers))


@functools.lru_cache(maxsize=1 << 13)  # of every name of the catalogue, for each card that is looked for
def _words(text: str) -> tuple[str, ...]:
    """Lower-case words, with the spellings of one thing brought together."""
    same = {"mobile": "laptop", "notebook": "laptop", "ws": "workstation"}
    found = _WORD.findall(text.lower().replace("max-q", "maxq"))
    words = ("sxm" if word[:-1] == "sxm" and word[-1].isdigit() else word for word in found)
    return tuple(same.get(word, word) for word in words)


@functools.cache
def _split(word: str) -> tuple[str, ...]:
    """Cut a run-together word into known ones: `"rtx4090"` → rtx, 4090; an unknown word stays whole."""
    known = vocabulary()
    if word in known or word in _noise():
        return (word,)
    if word.endswith("s") and word[:-1] in known and word[-2].isdigit():
        return (word[:-1],)  # several of them: "3090s"
    for cut in range(len(word) - 1, 0, -1):
        if word[:cut] in known and not word[cut - 1 : cut + 1].isdigit():  # 9999 is no 9 and 999
            rest = _split(word[cut:])
            if all(part in known for part in rest):
                return (word[:cut], *rest)
    return (word,)


@functools.cache
def vocabulary() -> frozenset[str]:
    """Every word of every name in the catalogue, and those without weight that are long enough to be cut off."""
    names = (name for entry in raw_entries("gpus") for name in _names(entry))
    return frozenset(word for name in names for word in _words(name)) | {word for word in _noise() if len(word) > 2}


def idle_words(entry: Mapping[str, Any], words: frozenset[str]) -> frozenset[str]:
    """Those words that only repeat what this card is: its architecture, its target, its memory, its slot."""
    facts = {*_WORD.findall(entry["architecture"].lower()), str(entry["compute_capability"]).lower()}
    if "PCIe" in entry.get("interconnect", "") and "sxm" not in _words(entry["name"]):
        facts.add("pcie")
    return frozenset(word for word in words if word in facts or _IDLE.fullmatch(word))


def _names(entry: Mapping[str, Any]) -> list[str]:
    """The name without parentheses, what stands in them, and the names drivers print for no other card."""
    name = entry["name"].lower()
    inside = [part for group in re.findall(r"\((.*?)\)", name) for part in group.split(",")]
    own = [pattern.lower() for pattern in entry["match"] if pattern not in _shared_patterns()]
    return [re.sub(r"\(.*?\)", " ", name), *inside, *own]


def printed_names(entry: Mapping[str, Any]) -> frozenset[str]:
    """What its driver prints, in lower case, with and without the maker's name in front."""
    names = [pattern.lower() for pattern in entry["match"]]
    return frozenset((*names, *(name.removeprefix(f"{entry['vendor']} ") for name in names)))


@functools.cache
def _shared_patterns() -> frozenset[str]:
    """Driver names that several cards print."""
    every = Counter(pattern for entry in raw_entries("gpus") for pattern in entry["match"])
    return frozenset(pattern for pattern, count in every.items() if count > 1)


def cards() -> tuple[Card, ...]:
    """Every entry with its words."""
    return tuple(_card(place) for place in range(len(raw_entries("gpus"))))


def cards_with(words: frozenset[str]) -> tuple[Card, ...]:
    """The entries in whose names every number of these words stands; only their words are worked out."""
    numbers = [number for word in words for number in re.findall(r"\d+", word)]
    return tuple(
        _card(place)
        for place, entry in enumerate(raw_entries("gpus"))
        if all(number in entry["name"] or any(number in name for name in entry["match"]) for number in numbers)
    )


@functools.cache
def _card(place: int) -> Card:
    entry = raw_entries("gpus")[place]
    optional = frozenset(vendors()[entry["vendor"]].optional_words)
    enough, everything = [], set[str]()
    for name in _names(entry):
        words = read(name).words
        everything |= words
        if name.strip() not in _REMARKS and (needed := words - optional):
            enough.append(needed)
    return Card(entry, tuple(dict.fromkeys(enough)), frozenset(everything))


def sizes_gb(entry: Mapping[str, Any]) -> list[float]:
    """The memory sizes that are sold under this entry, as printed on the box."""
    options = entry.get("memory_options_bytes")
    if options:
        return [option / GIB for option in options]
    nominal = entry.get("memory_nominal_gb") or entry["memory_bytes"] / GIB
    return [nominal] if nominal else []


def has_size(entry: Mapping[str, Any], size_gb: float) -> bool:
    """Whether that size is the printed one or the driver's total (`"RTX 4090 24GB"`, `"L4 22.5GB"`)."""
    printed = any(abs(size - size_gb) < 0.5 for size in sizes_gb(entry))
    return printed or abs(entry["memory_bytes"] / GIB - size_gb) < 0.6
