"""Units at the edge: bytes and seconds inside, GiB and ms only where a person reads them."""

from __future__ import annotations

import functools
import itertools
import math

KIB = 1024
MIB = 1024**2
GIB = 1024**3
GB = 10**9
TERA = 10**12
_MINUTES_FROM_S = 120
_MOST_DIGITS = 30
_CENTS = 0.1  # below it, two places say too little


def gib(n_bytes: float) -> str:
    """`17179869184` → `"16.0 GiB"`."""
    return f"{n_bytes / GIB:.1f} GiB"


def gb(n_bytes: float) -> str:
    """`8000000000` → `"8.0 GB"` (decimal, as vendors sell memory)."""
    return f"{n_bytes / GB:.1f} GB"


def ms(time_s: float) -> str:
    """`0.0123` → `"12 ms"`; two digits that matter, seconds from one second on, minutes and hours as `seconds`."""
    if time_s >= _MINUTES_FROM_S:
        return seconds(time_s)
    if time_s >= 1:
        return f"{time_s:.1f} s"
    if time_s >= 0.01:
        return f"{time_s * 1000:.0f} ms"
    return f"{time_s * 1000:.1f} ms"


def seconds(time_s: float) -> str:
    """`30` → `"30 s"`, `235.7` → `"3 min 56 s"`, `7200` → `"2 h"`; two parts at most."""
    if time_s < _MINUTES_FROM_S:
        return f"{time_s:.3g} s"
    big, small, size = ("h", "min", 3600) if time_s >= 5400 else ("min", "s", 60)
    whole = round(time_s * 60 / size)  # in the smaller unit
    return f"{whole // 60:,} {big}" + (f" {whole % 60} {small}" if whole % 60 else "")


def count(n: float) -> str:
    """`93184` → `"93,184"`; one decimal only below ten."""
    if n == int(n) or n >= 10:
        return f"{n:,.0f}"
    return f"{n:.1f}"


def several(n: float, noun: str) -> str:
    """`1, "request"` → `"1 request"`; of any other number the plural with an s: `"0.4 requests"`, `"3 requests"`."""
    shown = count(n)
    return f"{shown} {noun}{'' if shown == '1' else 's'}"


def cents(amount: float) -> str:
    """An amount of money that may be small: `0.0048` stays that, where cents would be none.

    >>> cents(12.345), cents(0.0048), cents(0.0)
    ('12.35', '0.0048', '0.00')
    """
    small = 0.0 < amount < _CENTS
    return f"{amount:.{1 - math.floor(math.log10(amount))}f}" if small else f"{amount:,.2f}"


def whole(text: str) -> int | None:
    """`"4096"` → 4096; None for anything but a few plain digits: "²" is no number, and 5,000 digits are none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


@functools.lru_cache(maxsize=1024)  # the same few are compared with each candidate
def version_tuple(text: str) -> tuple[int, ...]:
    """`"8.9"` → `(8, 9)`, so that versions compare as numbers; what stands behind the first word is left out."""
    numbers = itertools.takewhile(lambda part: part.isdecimal() and len(part) <= 9, text.split("."))
    return tuple(int(part) for part in numbers)
