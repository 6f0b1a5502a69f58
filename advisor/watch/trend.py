"""Where the load leads: a straight line through what was seen, and the day on which it meets a bound."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

from advisor.schema import value

LEAST_POINTS = 10
LEAST_SPAN_S = 20.0
SURE = 3.0  # standard errors by which a slope must differ from none; neighbouring looks are alike
FURTHEST_S = 366 * 86_400.0  # nobody knows more than a year of it


@value
class Trend:
    """A line: its value at the last point, and how much is added a second; `sure`: beyond the noise."""

    now: float
    per_s: float
    sure: bool


@value
class Break:
    """A bound that is met, or will be at this pace."""

    what: str
    now: float
    bound: float
    date: str | None  # UTC, to the minute; None: not at this pace
    reached: bool = False


def trend_of(points: Sequence[tuple[float, float]]) -> Trend | None:
    """Least squares over (seconds, value); None: too few, or over too short a time."""
    if len(points) < LEAST_POINTS or points[-1][0] - points[0][0] < LEAST_SPAN_S:
        return None
    count = len(points)
    middle, mean = (math.fsum(each[place] for each in points) / count for place in (0, 1))
    spread = math.fsum((at - middle) ** 2 for at, _ in points)
    slope = math.fsum((at - middle) * (found - mean) for at, found in points) / spread
    left = math.fsum((found - mean - slope * (at - middle)) ** 2 for at, found in points)
    error = math.sqrt(left / (count - 2) / spread)
    return Trend(now=mean + slope * (points[-1][0] - middle), per_s=slope, sure=abs(slope) > SURE * error)


def break_of(what: str, points: Sequence[tuple[float, float]], bound: float) -> Break | None:
    """When a figure that must stay below `bound` meets it; None: nobody can say yet."""
    found = trend_of(points)
    if found is None:
        return None
    if found.now >= bound:
        return Break(what=what, now=found.now, bound=bound, date=_date(points[-1][0]), reached=True)
    left = (bound - found.now) / found.per_s if found.sure and found.per_s > 0 else math.inf
    date = _date(points[-1][0] + left) if left <= FURTHEST_S else None
    return Break(what=what, now=found.now, bound=bound, date=date)


def _date(at_s: float) -> str:
    return datetime.datetime.fromtimestamp(at_s, tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
