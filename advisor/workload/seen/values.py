"""Numbers, moments and durations of a log, as their makers write them: by their size, and as text too."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import NamedTuple

_MOST_S = 1e10  # beyond the year 2200
_MOST = 1e18
# A time since 1970 beyond the first is in that part of a second: between them lie 3 and 5,000 years.
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?")
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)(h|ms|us|µs|ns|m|s)")
_PART_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class Moment(NamedTuple):
    """When something was."""

    at_s: float  # since 1970
    zoned: bool  # it said so itself; else UTC is taken


def number(given: object) -> float | None:
    """A number that is not negative, also as text; None: it is something else."""
    if isinstance(given, str):
        given = float(given) if _NUMBER.fullmatch(given) else None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if 0 <= given < 2 * _MOST and math.isfinite(given) else None


def moment(given: object) -> Moment | None:
    """A date, or a number of seconds, milli-, micro- or nanoseconds since 1970."""
    seconds, zoned = number(given), True
    if seconds is not None:
        seconds /= next((parts for beyond, parts in _UNITS if seconds > beyond), 1.0)
    elif isinstance(given, str):
        try:
            told = datetime.fromisoformat(given.replace("/", "-"))
            zoned = told.tzinfo is not None
            seconds = (told if zoned else told.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return Moment(seconds, zoned) if seconds is not None and 0 <= seconds <= _MOST_S else None


def length_of_time(given: object, unit_s: float = 1.0) -> float | None:
    """Seconds of a number in that unit, or of `1.5s`, `250ms`, `1m2.5s`."""
    found = number(given)
    took = None if found is None else found * unit_s
    if took is None and isinstance(given, str) and given:
        parts = list(_PART.finditer(given))
        whole = "".join(each[0] for each in parts) == given
        took = sum(float(each[1]) * _PART_S[each[2]] for each in parts) if whole else None
    return took if took is not None and took <= _MOST_S else None
