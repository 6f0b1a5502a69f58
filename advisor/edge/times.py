"""Lengths of time as people type them."""

from __future__ import annotations

import re

from advisor.errors import BadInput
from advisor.units import seconds

_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BY_LETTER = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_TYPED = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|sec|m|min|h|)")
WEEK_S = 7 * 86_400.0


def duration(text: str, option: str, least_s: float = 0.001, most_s: float = WEEK_S) -> float:
    """`10m` → 600 seconds; without a unit they are seconds.

    Raises:
        BadInput: no such length of time, or one beyond the bounds.
    """
    found = _TYPED.fullmatch(text.strip().lower())
    typed_s = float(found[1]) * _UNITS[found[2]] if found else -1.0
    if not least_s <= typed_s <= most_s:
        near = _meant(text, least_s, most_s)
        hint = f"; did you mean {near}?" if near else ""
        bounds = f"from {seconds(least_s)} to {seconds(most_s)}"
        said = f"{option}: {text[:40]!r} is no length of time {bounds}, such as 90s, 10m or 1h{hint}"
        raise BadInput(said, near=near or _written(min(max(90.0, least_s), most_s)), seen=text, flag=option)
    return typed_s


def _meant(text: str, least_s: float, most_s: float) -> str | None:
    """The nearest length of time: `2 minutes`, `ten`, `0s`; None where nothing tells."""
    found = re.search(r"(-?\d{1,9}(?:\.\d{1,9})?)\s*([a-z]?)", text.lower())
    if found is None:
        return None
    typed_s = float(found[1]) * _BY_LETTER.get(found[2], 1.0)
    return _written(min(max(typed_s, least_s), most_s))


def _written(length_s: float) -> str:
    """As it is typed: `90s`, `10m`, `1h`."""
    unit = next(unit for unit in ("h", "m", "s") if length_s % _UNITS[unit] == 0 or unit == "s")
    return f"{length_s / _UNITS[unit]:g}{unit}"
