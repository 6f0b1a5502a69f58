"""Which entries a name can mean: by its words, then without those that say nothing about which card it is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from advisor.catalog import raw_entries
from advisor.catalog.gpu_text import (
    Card,
    Query,
    cards,
    cards_with,
    has_size,
    idle_words,
    printed_names,
    sizes_gb,
    vocabulary,
)
from advisor.units import whole

Entry = Mapping[str, Any]

_MOST_BARE_GB = 1024  # a number alone, up to this, may be a size
_TYPO = 0.72  # likeness from which an unknown word may be a misspelt one that matters
# Chips are soldered in twos and halves, and grew by half: sizes that a board can be fitted with, over the printed one.
_FITTED = (0.5, 0.75, 1.5, 2.0, 4.0)
_STACKS_GB = 128  # from here on a size may be said of the stacks, of which the driver shows up to a tenth less
_LEFT_OF_STACKS = 0.9


class Otherwise(NamedTuple):
    """A card for a size that none is sold with under that name."""

    entry: Entry
    note: str
    fitted_gb: float | None = None


def matching(text: str, query: Query) -> tuple[Query, list[Entry], tuple[str, ...]]:
    """What the name can mean: the query as it was understood in the end, the entries, and what was left out of it."""
    literal = " ".join(text.lower().split())
    found = [entry for entry in raw_entries("gpus") if literal in (entry["name"].lower(), entry["id"])]
    printed = [entry for entry in raw_entries("gpus") if literal in printed_names(entry)]
    if not found and len(printed) == 1 and not printed[0].get("unified_memory"):
        return query._replace(size_gb=None), printed, ()  # a size in it is the driver's word, not a choice
    found = found or printed
    found = found or _plainest([card for card in cards_with(query.words) if _matches(card, query.words)], query.words)
    if found or not query.words:
        return query, found, ()
    for attempt in (_with_bare_size, _without_idle_words, _only_longer_name):
        understood, entries, notes = attempt(query)
        if entries:
            return understood, entries, notes
    return query, [], ()


def _matches(card: Card, words: frozenset[str]) -> bool:
    """Every word belongs to the card, and the words that tell it apart are all there."""
    return words <= card.words and any(needed <= words for needed in card.enough)


def _plainest(found: Sequence[Card], words: frozenset[str]) -> list[Entry]:
    """Of several makers' cards, those of which the fewest words were left out: `"A40"` is NVIDIA's, not an Arc Pro."""
    fewest: dict[str, int] = {}
    for card in found:
        left_out = len(card.words - words)
        fewest[card.entry["vendor"]] = min(left_out, fewest.get(card.entry["vendor"], left_out))
    return [card.entry for card in found if fewest[card.entry["vendor"]] == min(fewest.values())]


def _with_bare_size(query: Query) -> tuple[Query, list[Entry], tuple[str, ...]]:
    """`"RTX 3060 12"`: a number that no card is called by is a size that the card is sold with."""
    for word in sorted(query.words) if query.size_gb is None else ():
        size = whole(word)
        if size is None or size > _MOST_BARE_GB:
            continue
        shorter = Query(query.words - {word}, float(word), query.cores)
        _, found, notes = _without_idle_words(shorter)
        if any(has_size(entry, float(word)) for entry in found) or (found and sized_otherwise(shorter, found)):
            return shorter, found, notes
    return query, [], ()


def _without_idle_words(query: Query) -> tuple[Query, list[Entry], tuple[str, ...]]:
    """Without words that repeat what the card is, and without unknown ones that look like none that matters."""
    strange = frozenset(word for word in query.words if is_strange(word))
    found = [
        card.entry for card in cards() if _matches(card, query.words - strange - idle_words(card.entry, query.words))
    ]
    notes = tuple(f"{word!r} is not known and was left out" for word in sorted(strange))
    return query._replace(words=query.words - strange), found, notes


def is_strange(word: str) -> bool:
    """A word without digits that is in no name, and that is no misspelling of one."""
    if len(word) < 3 or not word.isalpha() or word in vocabulary():
        return False
    return not difflib.get_close_matches(word, [own for own in vocabulary() if own.isalpha()], n=1, cutoff=_TYPO)


def _only_longer_name(query: Query) -> tuple[Query, list[Entry], tuple[str, ...]]:
    """`"RTX 2050"`: where one card alone has these words in its name, that one."""
    words = query.words - {word for word in query.words if is_strange(word)}
    held = [card.entry for card in cards() if words - idle_words(card.entry, words) <= card.words]
    families = {_family(entry) for entry in held}
    named = len(words) > 1 or any(re.search(r"\d\d|[a-z]\d|\d[a-z]", word) for word in words)
    if not named or len(families) != 1:
        return query, [], ()
    return query, held, (f"there is no other card with that name than {held[0]['name']}",)


def _family(entry: Entry) -> str:
    """The name without sizes and remarks: the same for cards that differ in memory only."""
    return re.sub(r"\s*\(.*?\)|\s+\d+gb\b", "", entry["name"].lower())


def sized_otherwise(query: Query, found: Sequence[Entry]) -> Otherwise | None:
    """What a size means that no card of that name is sold with; None where it means nothing.

    A longer name of a data-centre card may be sold with it; it may be the size of the stacks before the driver took its
    part; and boards are sold with other memory than their maker's. Where a longer name of another kind (a laptop, a
    faster card) has that size, it is not for us to choose.
    """
    size = query.size_gb or 0.0
    longer = [card.entry for card in cards() if query.words <= card.words and has_size(card.entry, size)]
    if len({_family(entry) for entry in longer}) == 1 and longer[0]["device_class"] == "datacenter":
        return Otherwise(longer[0], f"with {size:g} GB it is the {longer[0]['name']}")
    soldered = [entry for entry in found if not entry.get("unified_memory")]
    if longer or not soldered:
        return None
    for entry in soldered:
        printed = max(sizes_gb(entry), default=0.0)
        if printed >= _STACKS_GB and _LEFT_OF_STACKS * size <= printed < size:
            return Otherwise(entry, f"{size:g} GB is the size of its stacks, the driver shows {printed:g} GB")
    return _fitted(soldered, size)


def _fitted(found: Sequence[Entry], size: float) -> Otherwise | None:
    """The card whose board can be fitted with that size: with twice its own before any other."""
    pairs = [(entry, own) for entry in found for own in sizes_gb(entry) if own and _can_be_fitted(size / own)]
    if not pairs:
        return None
    entry, own = min(pairs, key=lambda pair: abs(size / pair[1] - 2))
    note = f"{entry['name']} with {size:g} GB in place of {own:g}: counted as that card, as fast as it is sold"
    return Otherwise(entry, note, size)


def _can_be_fitted(ratio: float) -> bool:
    return any(abs(ratio - fitted) < 0.01 for fitted in _FITTED)
