"""One thing in place of another: what it carries, gives and costs, and how many times as much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from advisor.schema import value
from advisor.units import count, ms


@value
class Figures:
    """What one gives and takes, for comparing two; None: not known, or no end."""

    carries: int | None
    unit: str  # users, or in flight
    each: float | None  # tokens a second for a person who reads
    first_s: float | None
    per_month: float | None
    first: str = "first token after"  # the words before that time


def ratios(one: Figures, other: Figures) -> dict[str, float | None]:
    """The other over the one."""

    def ratio(name: str) -> float | None:
        before, now = getattr(one, name), getattr(other, name)
        return now / before if now is not None and before else None

    return {name: ratio(name) for name in ("carries", "each", "first_s", "per_month")}


def in_words(one: Figures, other: Figures, currency: str) -> str:
    """Both figures of each kind."""
    told = (
        _changed(one.carries, other.carries, f"carries {{}} {_unit(other)} instead of {{}}", count),
        _changed(one.each, other.each, "{} tokens/s each instead of {}", count),
        _changed(one.first_s, other.first_s, f"{one.first} {{}} instead of {{}}", ms),
        _changed(one.per_month, other.per_month, f"{{}} {currency} a month instead of {{}}", lambda x: f"{x:,.0f}"),
    )
    return "; ".join(filter(None, told))


def _unit(figures: Figures) -> str:
    """As many as are carried: one of them is one."""
    return "user" if figures.carries == 1 and figures.unit == "users" else figures.unit


def _times(ratio: float) -> str:
    """How many times as much, or what part of it.

    >>> _times(2.96), _times(0.062), _times(0.75)
    ('3 times', 'a 16th', '0.75 times')
    """
    if ratio > 0.3:
        return f"{ratio:.2g} times"
    return f"a {round(1 / ratio)}th" if round(1 / ratio) > 3 else "a third"


def _changed(before: float | None, now: float | None, words: str, shown: Callable[[Any], str]) -> str:
    """Both figures, and how many times the one is the other."""
    if before is None or now is None or shown(before) == shown(now):
        return ""  # what is as it was is no change
    times = f" ({_times(now / before)})" if before and now else ""
    return words.format(shown(now), shown(before)) + times
