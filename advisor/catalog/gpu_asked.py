"""What is asked back where a name is not enough: one question, with the choices as one would type them."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from advisor.catalog import constants
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_text import Card, Query, cards, has_size, read, sizes_gb, vocabulary
from advisor.catalog.vendors import vendors
from advisor.errors import BadInput
from advisor.units import GIB

_BY_FIGURES = "a card that is not there is named by its figures: '48GB, 1008 GB/s, cc 8.9'"
_NUMBERS_WEIGH = 3.0  # in the likeness of two names, against other words
_COUNT = re.compile(r"\s*(\d+)\s*[x×*]")
_ONLY_COUNT = re.compile(r"\s*\d*\s*[x×*]?\s*")  # how many, and not of what
_LETTERS_FOR_ZEROS = re.compile(r"(?<=\d)[oO]+")  # H1OO
_RUN_TOGETHER = re.compile(r"\b([A-Za-z]+)(?=\d)")  # RTX4900
_SAME_LETTER = 0.01  # H300 is H200 before it is B300
_MOST_NAMED = 8  # cards in one message


def _refusal(text: str, said: str, near: str, *facts: str) -> BadInput:
    """What is said of a card, with the one that stands in its place."""
    return BadInput("\n".join((f"GPU {text!r} {said}", *facts)), near=near, seen=text, flag="--gpu")


def likely(entries: Iterable[Mapping[str, Any]], unsaid: Mapping[str, int] | None = None) -> list[Mapping[str, Any]]:
    """Those that are meant most often first, the others newest first.

    Args:
        entries: of the catalogue.
        unsaid: by id, how many words of its name were not written; those with the fewest come before newer ones.
    """
    meant = {name: place for place, name in enumerate(constants("products")["meant"].split())}
    named = sorted(entries, key=lambda entry: entry["name"])
    newest = sorted(named, key=lambda entry: entry.get("release") or "", reverse=True)
    return sorted(newest, key=lambda entry: (meant.get(entry["id"], len(meant)), (unsaid or {}).get(entry["id"], 0)))


def which(text: str, found: Sequence[Mapping[str, Any]]) -> BadInput:
    """Ask back: by memory size where that tells the variants apart."""
    first = likely(found)[0]
    ordered = sorted(found, key=lambda entry: (sizes_gb(entry), entry["name"]))
    names = ", ".join(entry["name"] for entry in ordered)
    sizes = [f"{size:g}" for entry in ordered for size in sizes_gb(entry)]
    if len(set(sizes)) == len(sizes) >= len(ordered):
        said = f"comes with {' or '.join(sorted(sizes, key=float))} GB: which? ({names})"
        return _refusal(text, said, _whole_name(first))
    return _refusal(text, f"can be {len(ordered)} cards, which? {names}", first["name"])


def _with_size(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']} {sizes_gb(entry)[-1]:g}GB"


def which_size(text: str, spec: GpuSpec) -> BadInput:
    """Ask for the memory of the machine that a chip is in."""
    sizes = " or ".join(f"{size / GIB:g}" for size in spec.memory_options_bytes)
    asked = f"how many GB: {sizes} GB?" if sizes else "how many GB?"
    example = spec.memory_options_bytes[-1] / GIB if spec.memory_options_bytes else 32
    why = "shares the machine's memory" if spec.unified_memory else "has a memory that no source gives"
    return _refusal(text, f"{why}, {asked}", f"{spec.name} {example:g}GB")


def not_sold(text: str, query: Query) -> BadInput:
    """Names the sizes that exist, with those of cards whose longer name holds the same words."""
    family = _holding(query)
    listed = "; ".join(f"{entry['name']}: {_sizes(entry)}" for entry in family[:_MOST_NAMED])
    said = f"is not sold with {query.size_gb:g} GB, which is meant? There is {listed}"
    return _refusal(text, said, _whole_name(family[0]))


def _holding(query: Query) -> list[Mapping[str, Any]]:
    """The cards that have all these words in their names, the likeliest first."""
    held = [card for card in cards() if query.words <= card.words]
    return likely((card.entry for card in held), {card.entry["id"]: len(card.words - query.words) for card in held})


def _sizes(entry: Mapping[str, Any]) -> str:
    """`"64, 128 or 192 GB"`."""
    *first, last = (f"{size:g}" for size in sizes_gb(entry)) if sizes_gb(entry) else ("any",)
    return f"{', '.join(first)} or {last} GB" if first else f"{last} GB"


def unknown(text: str, query: Query) -> BadInput:
    """Cards that the words could belong to, else those whose names look most alike."""
    if not query.words or _ONLY_COUNT.fullmatch(text):
        return _no_card(text, query)
    apart = _RUN_TOGETHER.sub(lambda found: f"{found[1]} " if found[1].lower() in vocabulary() else found[0], text)
    query = read(_LETTERS_FOR_ZEROS.sub(lambda zeros: "0" * len(zeros[0]), apart))
    partial = _holding(query) if query.words else []
    if partial:
        return _refusal(
            text, f"is not enough to tell the card, which is it: {_names(partial)}?", _whole_name(partial[0])
        )
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
    return _refusal(
        text,
        f"is not in the catalogue; did you mean {near[0]}?",
        near[0],
        f"the nearest are {', '.join(near)}",
        "all cards: advisor catalog gpus",
        _BY_FIGURES,
    )


def _names(entries: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(entry["name"] for entry in entries[:_MOST_NAMED])


def _whole_name(entry: Mapping[str, Any]) -> str:
    """The name that is enough: with a size where the chip is sold with several."""
    return _with_size(entry) if len(sizes_gb(entry)) > 1 else str(entry["name"])


def _no_card(text: str, query: Query) -> BadInput:
    """A size without a card, or nothing: the best-known cards with that size, of the maker who is named."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    makers = {name for name, vendor in vendors().items() if words.intersection((name, *vendor.name_words))}
    sold = [card.entry for card in cards() if not makers or card.entry["vendor"] in makers]
    sized = [entry for entry in sold if query.size_gb is None or has_size(entry, query.size_gb)] or sold
    best = likely(sized)
    count = _COUNT.match(text)
    near = f"{count[1]}x {_whole_name(best[0])}" if count else _whole_name(best[0])
    return _refusal(text, f"names no card, which is it: {_names(best)}?", near, _BY_FIGURES)


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
