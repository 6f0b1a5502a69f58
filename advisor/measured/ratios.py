"""What was measured over what was predicted, by load: how a measurement at some loads moves a curve at all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

Curve = Sequence[tuple[float, float]]  # in flight, and a figure above zero; rising in the first


def at(curve: Curve, level: float) -> float:
    """A curve between its points: straight in logarithms; beyond its ends as at them."""
    if level <= curve[0][0]:
        return curve[0][1]
    for (low, one), (high, other) in itertools.pairwise(curve):
        if level <= high:
            return float(one * (other / one) ** (math.log(level / low) / math.log(high / low)))
    return curve[-1][1]


def ratios_of(curve: Curve, seen: Mapping[int, float]) -> tuple[tuple[float, float], ...]:
    """What was seen over what was predicted, by load."""
    return tuple((float(level), rate / at(curve, level)) for level, rate in sorted(seen.items()))


def corrected(
    curve: Curve, ratios: Curve, share: float = 1.0, reach: float = math.inf
) -> tuple[tuple[float, float], ...]:
    """The curve as it is seen; between the loads that were seen and beyond them as at the nearest ones.

    Args:
        share: how much of the ratio's logarithm holds for this curve.
        reach: how many times further than the nearest load that was seen half of it still holds.
    """
    levels = sorted({level for level, _ in (*curve, *ratios)})
    held = ((level, share * told_of(level, ratios, reach)) for level in levels)
    return tuple((level, at(curve, level) * at(ratios, level) ** part) for level, part in held)


def told_of(level: float, ratios: Curve, reach: float) -> float:
    """How much of the logarithm of what was seen holds at a load: all of it between those that were seen."""
    nearest = min(max(level, ratios[0][0]), ratios[-1][0])
    return math.exp2(-abs(math.log(level / nearest)) / math.log(reach))
