"""Several cards in one text: how many, of which."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from advisor.catalog import constants
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_matching import is_strange
from advisor.catalog.gpu_names import look_up
from advisor.catalog.gpu_text import read
from advisor.errors import BadInput
from advisor.pattern import Pattern

# Between two cards, and not inside brackets: no closing one follows before an opening one.
_BETWEEN_CARDS = Pattern(r"(?:\s\+\s|,|\s&\s|\band\b|\+(?=\s*\d+\s*x))(?![^()\[\]]*[)\]])")
MOST_CARDS = 128  # of one machine: NVL72 is the largest that is sold
_ODD_COUNT = re.compile(r"\s*(-\d+|\d{4,})\s*[x×*]\s(?!\s*\d)")
_ONLY_COUNT = re.compile(r"\s*\d+\s*[x×*]\s*")
_TIMES = Pattern(r"\d\s*[x×]", re.IGNORECASE)
# A number before a blank is a count only where it is no name ("980 Ti") and no size ("48 GB").
_COUNT_FIRST = Pattern(
    r"^[\s(]*(?:(\d{1,3})\s*[x×*]\)?\s*|[x×*]\s*(\d{1,3})\s+|\(?(\d{1,2})\)?\s+(?:pcs\.?|pieces|units)?\s*)"
    r"(?!\s*(?:[gmt]i?b|gigs?|g|w|watts?|cores?)\b)(?=\S)",
    re.IGNORECASE,
)
_COUNT_LAST = Pattern(r"\s*(?:\s|\b|\(|(?<=\d))[x×*]\s*(\d{1,3})\s*\)?\s*$", re.IGNORECASE, needs=("x", "×", "*"))


class Counted(NamedTuple):
    """So many of one card, and what was taken for granted."""

    number: int
    spec: GpuSpec
    notes: tuple[str, ...] = ()


def parse_gpus(text: str, *, guess: bool = False) -> list[tuple[int, GpuSpec]]:
    """`"2x RTX 3090 + RTX 4090"` → two of the one and one of the other; what is in brackets stays together.

    Raises:
        BadInput: a count of zero, or a card that `find_gpu` refuses.
    """
    return [(part.number, part.spec) for part in counted(text, guess=guess)]


def counted(text: str, *, guess: bool = False, machine_gb: float | None = None) -> list[Counted]:
    """The same with what was taken for granted; arguments as in `look_up`.

    Raises:
        BadInput: a count of zero, or a card that `look_up` refuses.
    """
    parts = []
    for part in _with_sizes(_BETWEEN_CARDS.split(text)):
        count, name = count_in(part)
        spec, notes = look_up(name, guess=guess, machine_gb=machine_gb)
        parts.append(Counted(count, spec, notes))
    return parts


def _with_sizes(parts: Sequence[str]) -> list[str]:
    """A part that names no card (`"M4 Pro, 64 GB memory"`, `"barely used"`) belongs to the one before it."""
    joined: list[str] = []
    for part in parts:
        if joined and part.strip() and all(is_strange(word) for word in read(part).words):
            joined[-1] += f" {part}"
        else:
            joined.append(part)
    return joined


def count_in(part: str) -> tuple[int, str]:
    """`"2x RTX 4090"`, `"RTX 4090 (x2)"`, `"dual RTX 4090"` and `"2 RTX 4090"` are all two; with the name alone.

    Raises:
        BadInput: a count of zero, or nothing that is counted.
    """
    if _ONLY_COUNT.fullmatch(part):
        return 1, part  # of what, is asked of who looks it up
    if odd := _ODD_COUNT.match(part):
        raise _no_count(part, odd[1], part[odd.end() :])
    if _TIMES.search(part):  # nothing else needs a pattern of a hundred words
        part = _provider().sub("", part)
    part = _written().sub(lambda found: f"{constants('products')['numbers'][found[1].lower()]}x ", part)
    first, last = _COUNT_FIRST.search(part), _COUNT_LAST.search(part)
    count = int(next(filter(None, first.groups()))) if first else int(last[1]) if last else 1
    name = part[first.end() :] if first else part[: last.start()] if last else part
    if not name.strip():
        raise BadInput(f"GPU {part!r}: no card is named", near="2x RTX 4090", seen=part, flag="--gpu")
    if not 1 <= count <= MOST_CARDS:
        raise _no_count(part, str(count), name)
    return count, name


def _no_count(part: str, count: str, name: str) -> BadInput:
    said = f"GPU {part!r}: {count} is no number of cards of one machine (1 to {MOST_CARDS}); machines: --nodes"
    near = 1 if int(count) < 1 else MOST_CARDS if int(count) > MOST_CARDS else int(count)
    return BadInput(said, near=f"{near}x {name.strip()}", seen=part, flag="--gpu")


@functools.cache
def _written() -> re.Pattern[str]:
    """A number in words before a card: `"dual"`, `"a pair of"`."""
    numbers = "|".join(constants("products")["numbers"])
    return re.compile(rf"^\s*(?:a\s+(?=\w+\s+of\b))?({numbers})\s+(?:of\s+)?(?=\S)", re.IGNORECASE)


@functools.cache
def _provider() -> re.Pattern[str]:
    """Words without weight before a number that counts: `"Lambda 1x GH200"`."""
    words = "|".join(re.escape(word) for word in constants("products")["noise"].split() if word.isalpha())
    return re.compile(rf"^\s*(?:(?:{words})\b[\s:]*)+(?=\d{{1,3}}\s*[x×])", re.IGNORECASE)
