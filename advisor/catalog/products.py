"""Machines and cloud instances by the names they are sold under, put into the words of their cards."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from advisor.catalog import constants

_SIZED = re.compile(r"\d\s*(?:gb|gib|g|tb)\b", re.IGNORECASE)


class Product(NamedTuple):
    """What stands for the name of a product."""

    text: str
    host_gib: float | None = None  # memory of an instance's host
    threads: int | None = None
    notes: tuple[str, ...] = ()


def in_words(text: str) -> Product:
    """`"p4d.24xlarge"` → 8x NVIDIA A100 SXM4 40GB; `"MacBook Pro M4 Max 128GB"` → Apple M4 Max 128GB.

    What names no product comes back as it is.
    """
    found = _instances().search(text)
    if found:
        count, card, threads, gib = constants("instances")["instances"][_spelled()[found[0].lower()]]
        said = f"{count}x {card}" if count != 1 else card
        note = f"{found[0]}: {said}, {threads} threads and {gib:g} GiB of host memory"
        return Product(_put(text, found, said), float(gib), int(threads), (note,))
    found = _sold().search(text)
    if found:
        return _product(text, found)
    return Product(_series().sub(" ", _chip_named().sub(" ", text)))


def _product(text: str, found: re.Match[str]) -> Product:
    """A machine with its own name; its only memory size, where none is written."""
    card, size = constants("products")["products"][" ".join(found[0].lower().split())]
    said = f"{card} {size}GB" if size and not _SIZED.search(text) else card
    return Product(_put(text, found, said), notes=(f"{found[0]}: {said}",))


def _put(text: str, found: re.Match[str], said: str) -> str:
    """The card in place of the product; words of it that stand there as well are not said twice."""
    words = {word.lower() for word in said.split()}
    rest = (text[: found.start()], text[found.end() :])
    before, after = (" ".join(word for word in part.split() if word.lower() not in words) for part in rest)
    return f"{before} {said} {after}".strip()


@functools.cache
def _spelled() -> Mapping[str, str]:
    """Lower case → instance as its provider writes it."""
    return {name.lower(): name for name in constants("instances")["instances"]}


@functools.cache
def _instances() -> re.Pattern[str]:
    return _any_of(_spelled())


@functools.cache
def _sold() -> re.Pattern[str]:
    return _any_of(constants("products")["products"])


@functools.cache
def _chip_named() -> re.Pattern[str]:
    """Names of machines whose chip is named beside them, with the size of their screen and their year."""
    names = _any_of(constants("products")["chip_named"]).pattern
    screen = r"(?:1[3-6]|24)(?:\.\d)?(?:[\"”″]|[\s-]*inch\b)?"
    return re.compile(rf"(?:\b{screen}\s+)?{names}(?:\s+{screen}(?!\S))?(?:\s+\(?20[12]\d\b\)?)?", re.IGNORECASE)


@functools.cache
def _series() -> re.Pattern[str]:
    return _any_of(constants("products")["series"])


def _any_of(names: Mapping[str, object] | list[str]) -> re.Pattern[str]:
    """Any of these as a whole, the longest first; blanks between words are free."""
    longest = sorted(names, key=len, reverse=True)
    spelled = (r"\s+".join(re.escape(word) for word in name.split()) for name in longest)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(spelled)})(?![\w-]|\.\w)", re.IGNORECASE)
