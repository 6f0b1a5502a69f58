"""The axes of a chart: where a figure lies, and which round ones are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from advisor.report.chart import Chart

# Round times in seconds, the roundest first.
_TIMES = (1, 0.1, 10, 0.01, 60, 600, 0.001, 3600, 0.5, 5, 0.05, 30, 300, 0.2, 2, 0.02, 20, 120, 1800, 7200, 36000)


class Scale(NamedTuple):
    """An axis: from `low` to `high`, both above zero, by logarithms."""

    low: float
    high: float

    def share(self, figure: float) -> float:
        """0 at the low end, 1 at the high one; what lies outside is put on the nearer end."""
        return min(max(math.log(figure / self.low) / math.log(self.high / self.low), 0.0), 1.0)

    def at(self, share: float) -> float:
        """The figure at a share of the axis."""
        return self.low * math.exp(math.log(self.high / self.low) * share)


def loads(chart: Chart) -> Scale:
    """The axis of loads."""
    found = [point.load for line in chart.lines for point in line.points]
    return Scale(min(found), max(max(found), 2 * min(found)))


def figures(chart: Chart, *, ranges: bool) -> Scale:
    """The axis of figures, with room for the target, and for the ranges where they are drawn."""
    points = [point for line in chart.lines for point in line.points]
    found = [point.expected for point in points] + ([chart.target] if chart.target else [])
    found += [end for point in points for end in (point.low, point.high)] if ranges else []
    low, high = min(found), max(found)
    return Scale(low / 2, high * 2) if high < 2 * low else Scale(low, high)


def ticks(chart: Chart, scale: Scale, place: Callable[[float], float], apart: float) -> list[float]:
    """Round figures on an axis, the roundest first, so many that each is `apart` from every other at its place."""
    found: list[float] = []
    for number in _round(chart.unit, scale):
        if scale.low <= number <= scale.high and all(abs(place(number) - place(one)) >= apart for one in found):
            found.append(number)
    return found


def _round(unit: str, scale: Scale) -> Iterator[float]:
    powers = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
    if unit == "s":
        return iter(_TIMES)
    return (step * 10.0**power for step in (1, 5, 2) for power in powers)


def load_ticks(scale: Scale, place: Callable[[float], float], letter: float) -> Iterator[int]:
    """Powers of two whose numbers, `letter` wide a digit, do not run into the one before."""
    free = -math.inf
    for power in range(math.floor(math.log2(scale.high)) + 1):
        load = 2**power
        if place(load) >= free:
            yield load
            free = place(load) + letter * (len(str(load)) + 1)
