"""Least squares of a few unknowns in plain Python: a machine's constants are fitted on the way of every advice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

Residuals = Iterator[float]  # each over its own noise

_STEPS, _ENOUGH, _TINY = 25, 1e-4, 1e-4
_OUTLIER = 3.0  # from so many times its noise on, a residual counts less and less (Cauchy)


def least_squares(
    residuals: Callable[[Sequence[float]], Residuals], prior: Sequence[float], most: float
) -> tuple[float, ...]:
    """The unknowns, each 0 before anything is known with the standard deviation in `prior`; none beyond `most`.

    Gauss and Newton's steps, halved where one makes it worse.
    """
    here = [0.0] * len(prior)
    now, cost = _at(residuals, here, prior)
    for _ in range(_STEPS):
        step = _step(residuals, here, now, prior)
        share = 1.0
        while share > _TINY:
            there = [min(max(x + share * d, -most), most) for x, d in zip(here, step, strict=True)]
            then, new = _at(residuals, there, prior)
            if new <= cost:
                break
            share /= 2
        else:
            return tuple(here)
        small = max(abs(a - b) for a, b in zip(here, there, strict=True)) < _ENOUGH
        here, now, cost = there, then, new
        if small:
            break
    return tuple(here)


def _at(
    residuals: Callable[[Sequence[float]], Residuals], x: Sequence[float], prior: Sequence[float]
) -> tuple[list[float], float]:
    """The residuals at one place, and what they cost together with the prior."""
    found = list(residuals(x))
    cost = sum(_OUTLIER**2 * math.log1p((r / _OUTLIER) ** 2) for r in found)
    return found, cost + sum((a / sigma) ** 2 for a, sigma in zip(x, prior, strict=True))


def _step(
    residuals: Callable[[Sequence[float]], Residuals], x: list[float], now: list[float], prior: Sequence[float]
) -> list[float]:
    """The solution of the normal equations around a place."""
    slopes = []
    for place in range(len(x)):
        moved = [a + (_TINY if place == other else 0.0) for other, a in enumerate(x)]
        slopes.append([(then - r) / _TINY for then, r in zip(residuals(moved), now, strict=True)])
    weights = [1.0 / (1.0 + (r / _OUTLIER) ** 2) for r in now]
    matrix = [[sum(w * a * b for w, a, b in zip(weights, one, two, strict=True)) for two in slopes] for one in slopes]
    right = [-sum(w * a * r for w, a, r in zip(weights, one, now, strict=True)) for one in slopes]
    for place, sigma in enumerate(prior):
        matrix[place][place] += sigma**-2
        right[place] -= x[place] * sigma**-2
    return solved(matrix, right)


def solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a few linear equations whose matrix is positive definite, by elimination.

    >>> solved([[2.0, 1.0], [1.0, 3.0]], [3.0, 5.0])
    [0.8, 1.4]
    """
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for place, row in enumerate(rows):
        for below in rows[place + 1 :]:
            factor = below[place] / row[place]
            below[:] = [a - factor * b for a, b in zip(below, row, strict=True)]
    found: list[float] = []
    for place, row in reversed(list(enumerate(rows))):
        known = sum(a * b for a, b in zip(row[place + 1 : -1], found, strict=True))
        found.insert(0, (row[-1] - known) / row[place])
    return found
