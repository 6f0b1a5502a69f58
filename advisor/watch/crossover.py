"""The load from which the other engine would write more: predicted, and moved by what this one is seen to write.

The watched engine is predicted with the weights and the slots that it has, and its curve is moved to what it is seen to
write. What is left between seen and predicted has two causes that nobody can tell apart from one engine alone: the
machine, which both share, and the engine's own work. Each is taken to be as large as the other, at each load: the other
engine's curve is moved by half of it, and its range loses a quarter of its variance. At loads beyond those that were
seen both curves go back to the prediction, and the range to its width.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import field, replace

from advisor.catalog import engine_limits
from advisor.engines.looking import Reading
from advisor.measured.ratios import at, corrected, ratios_of, told_of
from advisor.schema import value

ASSUMED = "half of what {engine} is faster or slower here than predicted is taken for the machine's, shared by {other}"
SHARED = 0.5  # of a prediction's error (of its logarithm, and of the variance of that): the machine's
# Of vLLM's errors in the calibration rows 0.75 of the logarithm is found again at twice the load, 0.57 at four times,
# 0.31 at eight, none at sixteen (184, 318, 137 and 160 pairs of loads, 2026-11-29); of Ollama's 0.8 to 0.6.
REACH = 4.0
LEAST_S = 3.0  # at a level, to say what the engine writes there


@value
class Forecast:
    """What was predicted of both engines for this model and machine; empty curves with a reason: it could not be.

    A curve is tokens/s of all together by requests in flight; a range the factor of 80 % around it.
    """

    engine: str  # the one that is watched
    other: str
    own: tuple[tuple[float, float], ...] = ()
    others: tuple[tuple[float, float], ...] = ()
    own_range: tuple[tuple[float, float], ...] = ()
    others_range: tuple[tuple[float, float], ...] = ()
    predicted: float | None = None  # the crossover before anything was seen
    capacity: float | None = None  # in flight within the targets, of the watched engine's plan
    reason: str = ""

    @property
    def simpler(self) -> bool:
        """Whether the watched engine is the simpler of the two, which more load leaves behind."""
        return engine_limits(self.engine).simplicity < engine_limits(self.other).simplicity


@value
class Crossover:
    """Where the two curves meet, and what that rests on."""

    in_flight: float | None
    basis: str  # "predicted", or "seen": the watched engine's curve is what it was seen to write
    least: float | None = None  # of 80 %; 1: or below
    most: float | None = None  # None: or at no load that was predicted
    seen: Mapping[int, float] = field(default_factory=dict)  # tokens/s of all together, by what was in flight
    reached: bool = False
    reason: str = ""
    assumed: str = ""


class Levels:
    """Tokens and seconds at each number in flight, added up look by look; a look at which it changed says nothing."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[float, float]] = {}

    def add(self, last: Reading, now: Reading) -> None:
        """What was written between two looks."""
        level, told = now.in_flight, [each.totals.get("output_tokens") for each in (last, now)]
        if None in told or not level or level != last.in_flight:
            return
        more = (told[1] or 0.0) - (told[0] or 0.0)
        if more >= 0:
            tokens, seconds = self._told.get(level, (0.0, 0.0))
            self._told[level] = (tokens + more, seconds + now.at_s - last.at_s)

    def rates(self) -> Mapping[int, float]:
        """Tokens/s of all together at each level that was held long enough."""
        found = {level: tokens / seconds for level, (tokens, seconds) in self._told.items() if seconds >= LEAST_S}
        return {level: rate for level, rate in sorted(found.items()) if rate > 0}


def crossover(forecast: Forecast, seen: Mapping[int, float], now: int | None) -> Crossover:
    """The crossover as it stands after what was seen: tokens/s by level, and what is in flight now, if that is told."""
    if not forecast.own or not forecast.others:
        return Crossover(in_flight=None, basis="predicted", reason=forecast.reason)
    told = len(seen) >= 2  # one level is no curve
    at_load = meeting(as_seen(forecast, seen)) if told else forecast.predicted
    least, most = _ends(forecast, seen if told else {})
    return Crossover(
        in_flight=at_load,
        basis="seen" if told else "predicted",
        least=least,
        most=most,
        seen=seen,
        reached=at_load is not None and bool(now) and _passed(forecast, at_load, now or 0),  # nobody there: no word
        reason="" if at_load is not None else f"{forecast.other} does not pass it at any load that was predicted",
        assumed=ASSUMED.format(other=forecast.other, engine=forecast.engine) if told else "",
    )


def _passed(forecast: Forecast, at_load: float, now: int) -> bool:
    """Whether the other engine is the one for so many."""
    return now >= at_load if forecast.simpler else now <= at_load


def as_seen(forecast: Forecast, seen: Mapping[int, float]) -> Forecast:
    """Both curves, each moved by what was seen."""
    if not seen:
        return forecast
    ratios = ratios_of(forecast.own, seen)
    own = corrected(forecast.own, ratios, reach=REACH)
    return replace(forecast, own=own, others=corrected(forecast.others, ratios, share=SHARED, reach=REACH))


def _ends(forecast: Forecast, seen: Mapping[int, float]) -> tuple[float | None, float | None]:
    """Where the curves meet at both ends of the range between them."""
    if not forecast.own_range or not forecast.others_range:
        return None, None
    moved = as_seen(forecast, seen)

    seen_at = ratios_of(forecast.own, seen)

    def factor(level: float) -> float:
        own, other = (math.log(at(each, level)) for each in (forecast.own_range, forecast.others_range))
        told = told_of(level, seen_at, REACH) ** 2 if seen else 0.0  # of the variance
        left = (1 - told) * (own**2 - 2 * SHARED * own * other) + (1 - SHARED**2 * told) * other**2
        return math.exp(math.sqrt(left))

    found = [
        meeting(replace(moved, others=tuple((level, rate * factor(level) ** sign) for level, rate in moved.others)))
        for sign in (1, -1)
    ]
    least, most = sorted(found, key=lambda end: math.inf if end is None else end)
    return least, most


def meeting(forecast: Forecast) -> float | None:
    """The first load at which the curve of the engine that batches is not below the simpler one's; None: nowhere."""
    own, others = forecast.own, forecast.others
    simple, batching = (own, others) if forecast.simpler else (others, own)
    levels = sorted({level for level, _ in (*simple, *batching)})
    ahead = [(level, math.log(at(batching, level) / at(simple, level))) for level in levels]
    if ahead[0][1] >= 0:
        return ahead[0][0]
    for (low, below), (high, above) in itertools.pairwise(ahead):
        if above >= 0:
            return float(low * (high / low) ** (below / (below - above)))
    return None
