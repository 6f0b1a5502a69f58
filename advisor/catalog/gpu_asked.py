"""What is asked back where a name is not enough: one question, with the choices as one would type them."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_text import Card, Query, cards, has_size, read, sizes_gb, vocabulary
from advisor.catalog.vendors import vendors
from advisor.units import GIB

_BY_FIGURES = "a card that is not there is named by its figures: '48GB, 1008 GB/s, cc 8.9'"
_NUMBERS_WEIGH = 3.0  # in the likeness of two names, against other words
_ONLY_COUNT = re.compile(r"\s*\d*\s*[x×*]?\s*")  # how many, and not of what
_LETTERS_FOR_ZEROS = re.compile(r"(?<=\d)[oO]+")  # H1OO
_SAME_LETTER = 0.01  # H300 is H200 before it is B300


def which(text: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Ask back: by memory size where that tells the variants apart."""
    ordered = sorted(found, key=lambda entry: (sizes_gb(entry), entry["name"]))
    names = ", ".join(entry["name"] for entry in ordered)
    sizes = [f"{size:g}" for entry in ordered for size in sizes_gb(entry)]
    if len(set(sizes)) == len(sizes) >= len(ordered):
        return f"GPU {text!r} comes with {' or '.join(sorted(sizes, key=float))} GB: which? ({names})"
    return f"GPU {text!r} can be {len(ordered)} cards, which? {names}; name one of them"


def which_size(text: str, spec: GpuSpec) -> str:
    """Ask for the memory of the machine that a chip is in."""
    sizes = " or ".join(f"{size / GIB:g}" for size in spec.memory_options_bytes)
    asked = f"how many GB: {sizes} GB?" if sizes else "how many GB?"
    example = spec.memory_options_bytes[-1] / GIB if spec.memory_options_bytes else 32
    why = "shares the machine's memory" if spec.unified_memory else "has a memory that no source gives"
    return f"GPU {text!r} {why}, {asked} Write for example '{spec.name} {example:g}GB'"


def not_sold(text: str, query: Query) -> str:
    """Names the sizes that exist, with those of cards whose longer name holds the same words."""
    family = [card.entry for card in cards() if query.words <= card.words]
    listed = "; ".join(f"{entry['name']}: {_sizes(entry)}" for entry in family[:8])
    return f"GPU {text!r} is not sold with {query.size_gb:g} GB, which is meant? There is {listed}"


def _sizes(entry: Mapping[str, Any]) -> str:
    """`"64, 128 or 192 GB"`."""
    *first, last = (f"{size:g}" for size in sizes_gb(entry)) if sizes_gb(entry) else ("any",)
    return f"{', '.join(first)} or {last} GB" if first else f"{last} GB"


def unknown(text: str, query: Query) -> str:
    """Cards that the words could belong to, else those whose names look most alike."""
    if not query.words or _ONLY_COUNT.fullmatch(text):
        return _no_card(text, query)
    query = read(_LETTERS_FOR_ZEROS.sub(lambda zeros: "0" * len(zeros[0]), text))
    partial = [card.entry["name"] for card in cards() if query.words and query.words <= card.words]
    if partial:
        return f"GPU {text!r} is not enough to tell the card, which is it: {', '.join(partial[:8])}?"
    # RTX: one of those, whatever else was written; a number that is some card's own says even more.
    said = {word: 2 if re.search(r"\d", word) else 1 for word in query.words & vocabulary()}
    scored = [
        (
            sum(weight for word, weight in said.items() if word in card.words),
            _likeness(query.words, card),
            card.entry["name"],
        )
        for card in cards()
    ]
    near = [name for *_, name in sorted(scored, key=lambda one: (-one[0], -one[1], one[2]))[:5]]
    return "\n".join(
        (
            f"GPU {text!r} is not in the catalogue; did you mean {near[0]}?",
            f'type: --gpu "{near[0]}"',
            f"the nearest are {', '.join(near)}",
            "all cards: advisor catalog gpus",
            _BY_FIGURES,
        )
    )


def _no_card(text: str, query: Query) -> str:
    """A size without a card, or nothing: the best-known cards with that size, of the maker who is named."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    makers = {name for name, vendor in vendors().items() if words.intersection((name, *vendor.name_words))}
    sold = [card.entry for card in cards() if not makers or card.entry["vendor"] in makers]
    sized = [entry for entry in sold if query.size_gb is None or has_size(entry, query.size_gb)] or sold
    best = sorted(sized, key=lambda entry: (entry.get("release", ""), entry["name"]), reverse=True)[:8]
    return f"GPU {text!r} names no card, which is it: {', '.join(entry['name'] for entry in best)}?\n{_BY_FIGURES}"


def _likeness(words: frozenset[str], card: Card) -> float:
    """0 to 1: how much each word looks like one of the card's, less for needed words that are missing."""
    if not words:
        return 0.0
    weights = {word: _NUMBERS_WEIGH if re.search(r"\d", word) else 1.0 for word in words}
    alike = sum(weight * max(_alike(word, own) for own in card.words) for word, weight in weights.items())
    missing = min(len(needed - words) for needed in card.enough)
    return alike / sum(weights.values()) - 0.1 * missing


@functools.lru_cache(maxsize=1 << 16)  # a few words against all of the catalogue's
def _alike(word: str, own: str) -> float:
    """Swapped digits are the likeliest slip: 4900 is 4090 before it is 4000."""
    if word in vocabulary() and word != own:
        return 0.0  # it is a word of its own: RTX is no misspelt RX
    swapped = word != own and sorted(word) == sorted(own)
    alike = max(difflib.SequenceMatcher(None, word, own).ratio(), 0.95 if swapped else 0.0)
    return alike + (_SAME_LETTER if alike and word[0] == own[0] else 0.0)
