"""Whether one row of scores is better than another, and not by chance."""

from __future__ import annotations

from collections.abc import Sequence

# What one has to be better by, with so many repeats of each: an engine that is started again differs by some percent,
# and a machine that others use by more. With three of each, all above all others happens by chance once in twenty.
MARGINS = {1: 0.2, 2: 0.08, 3: 0.03}
ENOUGH = max(MARGINS)


def margin(repeats: int) -> float:
    """The share by which the least of the one must exceed the best of the other."""
    return MARGINS[min(max(repeats, 1), ENOUGH)]


def better(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether every score of the one is above every score of the other, by a margin that shrinks with repeats."""
    repeats = min(len(one), len(other))
    return repeats > 0 and min(one) > max(other) * (1 + margin(repeats))


def mean(scores: Sequence[float]) -> float:
    """Of at least one score."""
    return sum(scores) / len(scores)
