"""Machines and cloud instances by the names they are sold under, put into the words of their cards."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from advisor.catalog import constants
from advisor.catalog.gpu_text import read
from advisor.pattern import Pattern

_FAMILY = Pattern(
    r"\b(?:ryzen|core)(?:\s+(?:ai|ultra))*\s+[3579]\b", re.IGNORECASE, needs=("ryzen", "core")
)  # of processors
_SERVICE = re.compile(r"(?<![\w.-])ml\.(?=[a-z]+\d\w*\.\w)", re.IGNORECASE)  # SageMaker's instances are EC2's
_TIER = "standard_"  # of Azure
_NONE = re.compile(r"(?!)")  # stands nowhere
_SIZED = Pattern(r"\d\s*(?:gb|gib|g|tb)\b", re.IGNORECASE)


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
    text = _SERVICE.sub("", text)
    found = _any_of(_spelled(), text).search(text)
    if found:
        count, card, threads, gib = constants("instances")["instances"][_spelled()[found[0].lower()]]
        said = f"{count}x {card}" if count != 1 else card
        note = f"{found[0]}: {said}, {threads} threads and {gib:g} GiB of host memory"
        return Product(_put(text, found, said), float(gib), int(threads), (note,))
    host = _any_of(constants("instances")["hosts"], text).search(text)
    if host:
        threads, gib = constants("instances")["hosts"][host[0].lower()]
        note = f"{host[0]}: {threads} threads and {gib:g} GiB of host memory"
        return Product(_without(text, host), float(gib), int(threads), (note,))
    found = _any_of(constants("products")["products"], text).search(text) or _alone(text)
    if found:
        return _product(text, found)
    text = _laptops().sub(" ", text) + (" laptop" if _laptops().search(text) and "laptop" not in text.lower() else "")
    text = _chip_named(text).sub(" apple ", text)
    return Product(_any_of(constants("products")["series"], text).sub(" ", text))


def _alone(text: str) -> re.Match[str] | None:
    """A processor whose graphics are meant: no other card is named beside it."""
    found = _any_of(constants("products")["chips"], text).search(text)
    if found is None:
        return None
    graphics = set(re.findall(r"\w+", constants("products")["chips"][_plain(found)].lower()))
    rest = read(_rest(f"{text[: found.start()]} {text[found.end() :]}")).words - graphics
    return None if any(len(re.findall(r"\d", word)) > 1 for word in rest) else found


def _plain(found: re.Match[str]) -> str:
    return " ".join(found[0].lower().split())


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}".strip(" +,;&")


def _product(text: str, found: re.Match[str]) -> Product:
    """A machine with its own name; its only memory size, where none is written."""
    name, products = _plain(found), constants("products")
    card, size = products["products"][name] if name in products["products"] else (products["chips"][name], None)
    said = f"{card} {size}GB" if size and not _SIZED.search(text) else card
    return Product(_put(text, found, said), notes=(f"{found[0]}: {said}",))


def _put(text: str, found: re.Match[str], said: str) -> str:
    """The card in place of the product; words of it that stand there as well are not said twice."""
    words = {word.lower() for word in said.split()}
    rest = (_rest(text[: found.start()]), _rest(text[found.end() :]))
    before, after = (" ".join(word for word in part.split() if word.lower() not in words) for part in rest)
    return f"{before} {said} {after}".strip()


def _rest(text: str) -> str:
    """What stands beside a product, without series and without the processor, which the product has."""
    for names in ("series", "chips"):
        text = _any_of(constants("products")[names], text).sub(" ", text)
    return _FAMILY.sub(" ", text)


@functools.cache
def _spelled() -> Mapping[str, str]:
    """Lower case → instance as its provider writes it; a tier that all of its sizes have is often left out."""
    names = [(name.lower(), name) for name in constants("instances")["instances"]]
    return {name.removeprefix(_TIER): whole for name, whole in names} | dict(names)


@functools.cache
def _laptops() -> Pattern:
    pattern = constants("products")["laptops"].replace(" ", "")
    needs = re.findall(r"[a-z]{3,}", pattern)  # each of them has such a word
    return Pattern(rf"(?<![\w.-]){pattern}(?![\w-])", re.IGNORECASE, needs=needs)


def _chip_named(text: str) -> re.Pattern[str]:
    """Names of machines whose chip is named beside them, with the size of their screen and their year."""
    found = _any_of(constants("products")["chip_named"], text)
    if found is _NONE:
        return found
    names = found.pattern
    screen = r"(?:1[3-6]|24)(?:\.\d)?(?:[\"”″]|[\s-]*inch\b)?"
    return re.compile(rf"(?:\b{screen}\s+)?{names}(?:\s+{screen}(?!\S))?(?:\s+\(?20[12]\d\b\)?)?", re.IGNORECASE)


def _any_of(names: Iterable[str], text: str) -> re.Pattern[str]:
    """Any of these as a whole, the longest first; blanks between words are free.

    Only those whose words all stand in the text: a pattern of every product takes longer to compile than all else.
    """
    said = text.lower()
    there = [name for name in names if all(word in said for word in name.lower().split())]
    if not there:
        return _NONE
    spelled = (r"\s+".join(re.escape(word) for word in name.split()) for name in sorted(there, key=len, reverse=True))
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(spelled)})(?![\w-]|\.\w)", re.IGNORECASE)
