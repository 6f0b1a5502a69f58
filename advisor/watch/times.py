"""Lengths of time as people type them."""

from __future__ import annotations

import math

from advisor.errors import BadInput

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600}
MOST_S = 7 * 86_400


def duration(text: str, option: str) -> float:
    """`10m` → 600 seconds.

    Raises:
        BadInput: no such length of time.
    """
    plain = text.strip().lower()
    digits = plain.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = plain[len(digits) :] or "s"
    try:
        seconds = float(digits) * _UNITS[unit]
    except (ValueError, KeyError):
        seconds = math.nan
    if not 0 < seconds <= MOST_S:
        raise BadInput(f"{option}: {text!r} is no length of time; accepted are 30s, 10m, 2h, at most 7 days")
    return seconds
