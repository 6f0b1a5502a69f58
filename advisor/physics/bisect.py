"""The exact boundary instead of a grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def largest(holds: Callable[[int], bool], most: int) -> int:
    """The largest number from 1 to `most` for which `holds`, which may only turn false; 0 where none does."""
    if most < 1 or holds(most):
        return max(most, 0)
    return narrowed(lambda number: holds(number) or None, (0, True), most)[0]


def narrowed(
    answer: Callable[[int], T | None], known: tuple[int, T], beyond: int, *, grain: float = 0.0
) -> tuple[int, T]:
    """The largest number below `beyond` that has an answer, with it.

    Args:
        answer: None where there is none; once None, it stays so for larger numbers.
        known: a number below `beyond`, and its answer.
        beyond: has none, or is not asked for.
        grain: how far below the largest the result may lie, as a share of it.
    """
    low, found = known
    while beyond - low > max(1, int(low * grain)):
        middle = (low + beyond) // 2
        better = answer(middle)
        if better is None:
            beyond = middle
        else:
            low, found = middle, better
    return low, found
