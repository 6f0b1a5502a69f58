"""Lengths of time as people type them."""

from __future__ import annotations

import re

from advisor.errors import BadInput
from advisor.units import seconds

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TYPED = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|m|min|h|)")
WEEK_S = 7 * 86_400.0


def duration(text: str, option: str, least_s: float = 0.001, most_s: float = WEEK_S) -> float:
    """`10m` → 600 seconds; without a unit they are seconds.

    Raises:
        BadInput: no such length of time, or one beyond the bounds.
    """
    found = _TYPED.fullmatch(text.strip().lower())
    typed_s = float(found[1]) * _UNITS[found[2]] if found else -1.0
    if not least_s <= typed_s <= most_s:
        bounds = f"from {seconds(least_s)} to {seconds(most_s)}"
        raise BadInput(f"{option}: {text[:40]!r} is no length of time {bounds}, such as 90s, 10m or 1h")
    return typed_s
