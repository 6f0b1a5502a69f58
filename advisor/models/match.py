"""The words of a model's name → the entry of that architecture: same name, variant, short form, fine-tune."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from advisor.catalog import model_entries
from advisor.errors import BadInput
from advisor.models.text import contains, take_apart, tokens, variant, without_variant

Tokens = tuple[str, ...]
MISSPELT = 0.93  # likeness from which on a name is taken for another one with a slip of the finger
LEAST_OF_A_NAME = 2  # words: a size and its unit are no name
SAME_SIZE = 0.02  # entries whose totals differ by less than this are the same size in people's mouths


class Place(NamedTuple):
    """Where in `model_entries()`, and whether the name stands for those very weights."""

    place: int
    exact: bool


class Index(NamedTuple):
    """The catalogue's names by their words: in full, as people say them, and without the words for variants."""

    full: Mapping[Tokens, int]
    spoken: Mapping[Tokens, int]  # "Qwen2.5-7B" is the instruct model in people's mouths, the base in a repository
    bare: Mapping[Tokens, int]
    written: Sequence[str]  # in full, the words of each in one


@functools.cache
def _index() -> Index:
    full: dict[Tokens, int] = {}
    bare: dict[Tokens, int] = {}
    for place, entry in enumerate(model_entries()):
        words = tokens(take_apart(entry["hf_id"]).name)
        full.setdefault(words, place)
        bare.setdefault(without_variant(words), place)
    spoken = {words: _tuned(place, bare[without_variant(words)]) for words, place in full.items()}
    return Index(full, spoken, bare, ["".join(words) for words in full])


def _tuned(place: int, usual: int) -> int:
    """The model that a name without an owner means: of a base model its tuned sibling, where there is one."""
    own, other = model_entries()[place].get("tags", ()), model_entries()[usual].get("tags", ())
    said = variant(tokens(model_entries()[place]["hf_id"]))
    return usual if not said and "completion" in own and "chat" in other else place


def find_place(name: str, *, owned: bool) -> Place | None:
    """The entry for a name without owner and quantisation; None when no entry's name is in it.

    With `owned` the name is that of somebody's repository, so that "Llama-3-8B" is not the instruct model.

    Raises:
        BadInput: a short form of several models of different sizes.
    """
    spellings = [tokens(name)]
    if "_" in name:  # file names put the owner in front with an underscore
        spellings.append(tokens(name.partition("_")[2]))
    known = _index().full if owned else _index().spoken
    for words in spellings:
        if words in known:
            return Place(known[words], True)
    bare = [without_variant(words) for words in spellings]
    for words in bare:
        if words in _index().bare:
            place = _index().bare[words]
            return Place(place, _same_weights(tokens(name), place, owned))
    return _short_form(name, bare, owned) or (None if _misspelt(spellings[0]) else _fine_tune(bare[0]))


def _same_weights(words: Tokens, place: int, owned: bool) -> bool:
    """Whether a name that differs in variant words only still names the entry's weights."""
    said, own = variant(words), variant(tokens(model_entries()[place]["hf_id"]))
    return said == own or (not said and not owned)


def _short_form(name: str, spellings: Iterable[Tokens], owned: bool) -> Place | None:
    """`"Qwen3.6-35B"` for Qwen3.6-35B-A3B: the entries of one size whose name goes on from here."""
    if owned and not any(_has_size(words) for words in spellings):
        return None  # somebody's repository that names no size can be of any
    for words in spellings:
        longer = [place for own, place in _index().bare.items() if own[: len(words)] == words and len(words) > 1]
        if longer:
            return Place(_newest_of_one_size(name, longer), not owned)
    return None


def _newest_of_one_size(name: str, places: list[int]) -> int:
    entries: list[Mapping[str, Any]] = [model_entries()[place] for place in places]
    sizes = [entry["parameters"] for entry in entries]
    if max(sizes) > min(sizes) * (1 + SAME_SIZE):
        listed = [entry["hf_id"] for entry in sorted(entries, key=lambda entry: entry["parameters"])[:8]]
        first, *others = listed
        raise BadInput(
            f"model {name!r} can be {len(entries)} models; did you mean {first}?\nalso near: {', '.join(others)}",
            near=first,
            seen=name,
            flag="--model",
        )
    return max(places, key=lambda place: model_entries()[place].get("release", ""))


def _misspelt(words: Tokens) -> bool:
    """Whether the name is a letter or two away from an entry's: then it is that name, not a fine-tune of it."""
    import difflib

    return bool(difflib.get_close_matches("".join(words), _index().written, n=1, cutoff=MISSPELT))


def _fine_tune(words: Tokens) -> Place | None:
    """The entry with the longest name that stands whole inside this one, size included."""
    inside = [own for own in _index().bare if _has_size(own) and contains(words, own)]
    if inside:
        return Place(_index().bare[max(inside, key=len)], False)
    heads = [(head, place) for own, place in _index().bare.items() if contains(words, head := _head(own))]
    longest = max((len(head) for head, _ in heads), default=0)
    alike = [place for head, place in heads if len(head) == longest]
    newest = max(alike, key=lambda place: model_entries()[place].get("release", ""), default=None)
    return None if newest is None else Place(newest, False)


@functools.lru_cache(maxsize=1 << 13)  # of every name of the catalogue
def _head(words: Tokens) -> Tokens:
    """`"Mistral-7B-v0.3"` → mistral, 7, b: what a fine-tune keeps of a name that stands before a size."""
    ends = [place + 2 for place, pair in enumerate(itertools.pairwise(words)) if pair[0].isdigit() and pair[1] in "bm"]
    return words[: ends[0]] if ends and ends[0] > LEAST_OF_A_NAME else ("",)


def _has_size(words: Tokens) -> bool:
    """Whether a number of billions or millions is among the words."""
    return any(left.isdigit() and right in ("b", "m") for left, right in itertools.pairwise(words))
