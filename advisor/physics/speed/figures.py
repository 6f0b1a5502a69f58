"""A prediction with its range: low and high hold about 80 % of measurements that the fit has not seen."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.catalog import constants
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


def spread_of(known: Prepared, band: str) -> Spread:
    """The calibrated width for these constants and load band; wider where no measurement backs the card or the format.

    Args:
        known: the configuration; its device and kernel say whether measurements of the like exist.
        band: "single", "low" (below 8 in flight), "high" or "queued".
    """
    return _spread(known.fit, known.device.family, known.kernel, band, known.device.assumed)


@functools.cache
def _spread(fit: str, family: str, kernel: str, band: str, assumed: bool) -> Spread:
    """An engine that nobody measured has the widest of all ranges, and they are thin besides."""
    speed: Mapping[str, Any] = constants("speed")
    ranges, evidence = speed["ranges"], speed["evidence"]
    alike = [fit] if fit in evidence else list(evidence)
    backing = evidence.get(fit, ())
    unknown = (family not in backing) + (kernel not in backing)
    thin = ranges["thin"] ** (unknown + assumed)

    def width(figure: str) -> float:
        return float(max(ranges[one][band][figure] for one in alike) * thin)

    return Spread(
        rate=width("rate"),
        ttft=width("ttft"),
        tpot=width("tpot"),
        basis="analytic" if unknown else "calibrated",
        source=ANALYTIC_SOURCE if unknown else CALIBRATED_SOURCE,
    )


def band_of(in_flight: float, queued: float) -> str:
    """The load band that ranges are calibrated by."""
    if queued >= 1.0:
        return "queued"
    if in_flight <= 1.0:
        return "single"
    return "low" if in_flight <= 8.0 else "high"


def speed_value(ready: Setup, found: Served, in_flight: float) -> Speed:
    """The steady state as figures; the upper end of the rate stays under the roofline."""
    known, steady = ready.prepared, found.steady
    spread = spread_of(known, band_of(in_flight, steady.queued))
    roof = roof_tokens_per_s(known.facts, known.device, max(steady.batch, 1.0), ready.working_cards)

    def figure(expected: float, factor: float, most: float = float("inf")) -> Figure:
        return Figure(
            low=expected / factor,
            expected=expected,
            high=max(expected, min(expected * factor, most)),
            basis=spread.basis,
            source=spread.source,
        )

    return Speed(
        in_flight=in_flight,
        output_tokens_per_s=figure(min(steady.output_tokens_per_s, roof), spread.rate, roof),
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
