"""A prediction with its range: low and high hold about 80 % of measurements that the fit has not seen."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from advisor.catalog import constants
from advisor.frozen import replace
from advisor.physics.speed.prompts import Served
from advisor.physics.speed.roofline import roof_tokens_per_s
from advisor.physics.speed.setup import Prepared, Setup
from advisor.schema import Basis, Figure, Speed

CALIBRATED_SOURCE = "speed-fit"
ANALYTIC_SOURCE = "speed-physics"


class Spread(NamedTuple):
    """Factors between expected and the ends of the range, and what they rest on."""

    rate: float
    ttft: float
    tpot: float
    basis: Basis
    source: str


KNOTS = (1.0, 4.0, 16.0, 64.0, 256.0)  # requests in flight that widths are learnt at; straight lines lie between them


def kinds() -> Mapping[str, Sequence[str]]:
    """Kinds of device that share the width of their ranges, as speed_fit.yaml has them, with their families."""
    families: Mapping[str, Sequence[str]] = constants("devices")["kinds"]
    return families


@functools.cache
def range_kind(family: str) -> str:
    """The kind of device that a family belongs to."""
    return next(kind for kind, families in kinds().items() if family in families)


def spread_of(known: Prepared, load: float) -> Spread:
    """The calibrated width for these constants and load; wider where no measurement backs the card or the format.

    Args:
        known: the configuration; its device and kernel say whether measurements of the like exist.
        load: requests of one replica in flight, those that wait among them.
    """
    widths = _widths(known.fit, known.device.family, known.kernel, known.device.assumed)
    left, part = _place(load)
    rate, ttft, tpot = widths.logs
    return Spread(
        math.exp(rate[left] + part * (rate[left + 1] - rate[left])),
        math.exp(ttft[left] + part * (ttft[left + 1] - ttft[left])),
        math.exp(tpot[left] + part * (tpot[left + 1] - tpot[left])),
        widths.basis,
        widths.source,
    )


def between(knots: Sequence[float], load: float) -> float:
    """The value at this load on straight lines between KNOTS, over the logarithm of the load."""
    left, part = _place(load)
    return knots[left] + part * (knots[left + 1] - knots[left])


def _place(load: float) -> tuple[int, float]:
    """The knot below a load, and the part of the way to the next one."""
    place = 0.5 * math.log2(load) if load > 1.0 else 0.0
    left = min(int(place), len(KNOTS) - 2)
    return left, min(place - left, 1.0)


class _Widths(NamedTuple):
    logs: tuple[tuple[float, ...], ...]  # of rate, TTFT and TPOT: a logarithm for each knot
    basis: Basis
    source: str


@functools.cache
def _widths(fit: str, family: str, kernel: str, assumed: bool) -> _Widths:
    """An engine that nobody measured has the widest of all ranges, and they are thin besides."""
    speed: Mapping[str, Any] = constants("speed")
    ranges, evidence = speed["ranges"], speed["evidence"]
    alike = [fit] if fit in evidence else list(evidence)
    backing = evidence.get(fit, ())
    unknown = (family not in backing) + (kernel not in backing)
    thin = math.log(ranges["thin"]) * (unknown + assumed)
    kind = range_kind(family)

    def logs(figure: str) -> tuple[float, ...]:
        return tuple(max(math.log(width) for width in knot) + thin for knot in _by_knot(ranges, alike, kind, figure))

    return _Widths(
        logs=tuple(logs(figure) for figure in ("rate", "ttft", "tpot")),
        basis="analytic" if unknown else "calibrated",
        source=ANALYTIC_SOURCE if unknown else CALIBRATED_SOURCE,
    )


def _by_knot(ranges: Mapping[str, Any], alike: Sequence[str], kind: str, figure: str) -> Iterable[tuple[float, ...]]:
    """For each knot, the widths of those engines."""
    return zip(*(ranges[one][kind][figure] for one in alike), strict=True)


@functools.cache
def _blank(basis: Basis, source: str) -> Figure:
    """A figure to be filled in: every load asks for eight of them."""
    return Figure(low=0.0, expected=0.0, high=0.0, basis=basis, source=source)


def speed_value(ready: Setup, found: Served, in_flight: float) -> Speed:
    """The steady state as figures; the upper end of the rate stays under the roofline."""
    known, steady = ready.prepared, found.steady
    spread = spread_of(known, in_flight)
    roof = roof_tokens_per_s(known.facts, known.device, max(steady.batch, 1.0), ready.working_cards)

    blank = _blank(spread.basis, spread.source)

    def figure(expected: float, factor: float) -> Figure:
        return replace(blank, low=expected / factor, expected=expected, high=expected * factor)

    rate = figure(min(steady.output_tokens_per_s, roof), spread.rate)

    return Speed(
        in_flight=in_flight,
        output_tokens_per_s=rate if rate.high <= roof else replace(rate, high=roof),
        ttft_s=figure(steady.ttft_s, spread.ttft),
        ttft_p95_s=figure(steady.ttft_p95_s, spread.ttft),
        tpot_s=figure(steady.tpot_s, spread.tpot),
        tpot_p95_s=figure(steady.tpot_p95_s, spread.tpot),
        queued=steady.queued,
        bound=steady.bound,
        ttft_warm_s=figure(found.warm_s, spread.ttft),
        ttft_cold_s=figure(found.cold_s, spread.ttft),
        ttft_cold_p95_s=figure(found.cold_p95_s, spread.ttft),
        kept_share=found.kept,
    )
