"""How old an engine version is, in years before the pinned one: speed improves with every release."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from advisor.catalog import constants

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MOST_YEARS = 3.0


@functools.cache
def years_old(fit: str, version: str) -> float:
    """Age of `version` before the one that the constants `fit` are for; 0 where either is not known."""
    year, pinned = release_year(fit, version.strip().lower()), constants("speed")["pinned"].get(fit)
    return 0.0 if year is None or pinned is None else min(max(pinned - year, 0.0), MOST_YEARS)


def release_year(fit: str, version: str) -> float | None:
    """When that version came out; a version may also be a date ("2023-11 (early)", "May 2024 master")."""
    for series in constants("releases").get(fit, ()):
        if found := re.match(series["version"], version):
            return _between(tuple(series["years"].items()), int(found.group(1)))
    if found := re.search(r"\b(20[2-3]\d)(?:-(\d\d))?", version):
        month = int(found.group(2)) if found.group(2) else _month(version)
        return int(found.group(1)) + (month - 0.5) / 12
    return None


def _month(text: str) -> int:
    """The month that is named in the text; the middle of the year without one."""
    return next((index for index, name in enumerate(MONTHS, 1) if re.search(rf"\b{name}", text)), 7)


def _between(known: Sequence[tuple[int, float]], number: int) -> float:
    """The date of a release number by interpolation."""
    before = known[0]
    for after in known:
        if after[0] >= number:
            if after[0] == before[0]:
                return after[1]
            return before[1] + (after[1] - before[1]) * (number - before[0]) / (after[0] - before[0])
        before = after
    return known[-1][1]
