"""The load from which the other engine would write more: predicted, and moved by what this one is seen to write.

What is seen over what was predicted has two parts. How fast the machine is, as a whole, was mistaken for both engines
alike: the mean of the ratios moves both curves, and no crossover. How it differs from load to load is the watched
engine's own (its slots, its settings): that moves its curve alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from advisor.catalog import engine_limits
from advisor.engines.looking import Reading
from advisor.schema import value

ASSUMED = "{other} is taken to be as much faster or slower than predicted here as {engine} is on average"
LEAST_S = 3.0  # at a level, to say what the engine writes there
Curve = Sequence[tuple[float, float]]  # in flight, tokens/s of all together; rising in the first


@value
class Forecast:
    """What was predicted of both engines for this model and machine; empty curves with a reason: it could not be."""

    engine: str  # the one that is watched
    other: str
    own: tuple[tuple[float, float], ...] = ()
    others: tuple[tuple[float, float], ...] = ()
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
        level, more = now.in_flight, now.totals.get("output_tokens", 0.0) - last.totals.get("output_tokens", 0.0)
        if level and level == last.in_flight and more >= 0:
            tokens, seconds = self._told.get(level, (0.0, 0.0))
            self._told[level] = (tokens + more, seconds + now.at_s - last.at_s)

    def rates(self) -> Mapping[int, float]:
        """Tokens/s of all together at each level that was held long enough."""
        found = {level: tokens / seconds for level, (tokens, seconds) in self._told.items() if seconds >= LEAST_S}
        return {level: rate for level, rate in sorted(found.items()) if rate > 0}


def crossover(forecast: Forecast, seen: Mapping[int, float], now: int) -> Crossover:
    """The crossover as it stands after what was seen: tokens/s by level, and what is in flight now."""
    if not forecast.own or not forecast.others:
        return Crossover(in_flight=None, basis="predicted", reason=forecast.reason)
    if len(seen) < 2:
        at, basis = forecast.predicted, "predicted"
    else:
        at, basis = _as_seen(forecast, seen), "seen"
    reached = at is not None and (now >= at if forecast.simpler else now <= at)
    why = "" if at is not None else f"{forecast.other} does not pass it at any load that was predicted"
    assumed = ASSUMED.format(other=forecast.other, engine=forecast.engine) if basis == "seen" else ""
    return Crossover(in_flight=at, basis=basis, seen=seen, reached=reached, reason=why, assumed=assumed)


def _as_seen(forecast: Forecast, seen: Mapping[int, float]) -> float | None:
    """Where both curves meet, each moved by what was seen."""
    ratios = ratios_of(forecast.own, seen)
    machine = math.exp(sum(math.log(ratio) for _, ratio in ratios) / len(ratios))
    own = corrected(forecast.own, ratios)
    others = tuple((level, rate * machine) for level, rate in forecast.others)
    return meeting(replace(forecast, own=own, others=others))


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


def ratios_of(curve: Curve, seen: Mapping[int, float]) -> tuple[tuple[float, float], ...]:
    """What was seen over what was predicted, by load."""
    return tuple((float(level), rate / at(curve, level)) for level, rate in sorted(seen.items()))


def corrected(curve: Curve, ratios: Curve) -> tuple[tuple[float, float], ...]:
    """The curve as it is seen; between the loads that were seen and beyond them as at the nearest ones."""
    levels = sorted({level for level, _ in (*curve, *ratios)})
    return tuple((level, at(curve, level) * at(ratios, level)) for level in levels)


def at(curve: Curve, level: float) -> float:
    """A curve between its points: straight in logarithms; beyond its ends as at them."""
    if level <= curve[0][0]:
        return curve[0][1]
    for (low, one), (high, other) in itertools.pairwise(curve):
        if level <= high:
            return float(one * (other / one) ** (math.log(level / low) / math.log(high / low)))
    return curve[-1][1]
