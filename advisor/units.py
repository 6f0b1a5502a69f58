"""Units at the edge: bytes and seconds inside, GiB and ms only where a person reads them."""

from __future__ import annotations

import itertools

KIB = 1024
MIB = 1024**2
GIB = 1024**3
GB = 10**9
TERA = 10**12


def gib(n_bytes: float) -> str:
    """`17179869184` → `"16.0 GiB"`."""
    return f"{n_bytes / GIB:.1f} GiB"


def gb(n_bytes: float) -> str:
    """`8000000000` → `"8.0 GB"` (decimal, as vendors sell memory)."""
    return f"{n_bytes / GB:.1f} GB"


def ms(seconds: float) -> str:
    """`0.0123` → `"12 ms"`; two digits that matter, seconds from one second on."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    if seconds >= 0.01:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds * 1000:.1f} ms"


def count(n: float) -> str:
    """`93184` → `"93,184"`; one decimal only below ten."""
    if n == int(n) or n >= 10:
        return f"{n:,.0f}"
    return f"{n:.1f}"


def version_tuple(text: str) -> tuple[int, ...]:
    """`"8.9"` → `(8, 9)`, so that versions compare as numbers; what stands behind the first word is left out."""
    numbers = itertools.takewhile(lambda part: part.isdecimal() and len(part) <= 9, text.split("."))
    return tuple(int(part) for part in numbers)
