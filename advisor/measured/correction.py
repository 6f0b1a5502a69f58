"""From what was measured here to what is predicted: exact where it was measured, corrected beside it.

First the few constants that differ per machine, fitted to everything that the engine did here (`machine.py`): they hold
for any model. Then, for a model that was itself measured, what is left over: its figures are multiplied by measured
over predicted. Both are computed anew with today's model, so a measurement does not grow old with the advisor. The
further away what was measured (another load, other slots, another model), the wider the range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from advisor.engines import ENGINES
from advisor.measured.entries import MeasuredLoad, Measurement, machine_key
from advisor.measured.machine import load_of, tuned_for
from advisor.measured.ratios import at
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.schema import Candidate, Figure, FigureBasis, Hardware, Load, ModelSpec, Speed, value

SOURCE = "measured-here"
_SAME = 0.05  # loads within 5 % count as the one that was measured
_SAME_SHAPE = 0.1  # of log2 of the token counts
# Factors between the expected value and the ends of its range.
_HERE, _BETWEEN, _BEYOND, _SETTINGS = 1.1, 1.15, 1.25, 1.3
_WIDEST = 2.5


@value
class Correction:
    """What to multiply a prediction by, and how far to trust the product."""

    rate: float | None  # None: token counts differ, so the rate follows from TTFT and TPOT
    ttft: float
    ttft_p95: float
    tpot: float
    tpot_p95: float
    spread: float
    basis: FigureBasis
    because: str


class _Point(NamedTuple):
    """A measured load beside its prediction."""

    in_flight: float
    shape: float  # distance of the token counts from those asked for
    rate: float
    ttft: float
    ttft_p95: float
    tpot: float
    tpot_p95: float


@value
class Measurements:
    """What was measured, on this machine and others; each is used only where the machine in question is its own."""

    entries: tuple[Measurement, ...] = ()

    def of(self, hardware: Hardware) -> tuple[Measurement, ...]:
        """What was measured on this machine. A simulated machine has none."""
        if not self.entries or hardware.source == "simulated":
            return ()
        key = machine_key(hardware)
        return tuple(entry for entry in self.entries if entry.machine == key)

    def corrected(
        self, speed: Speed, hardware: Hardware, candidate: Candidate, model: ModelSpec, load: Load
    ) -> Speed:  # fmt: skip
        """`speed` with what was measured on this machine; unchanged where that engine was not."""
        tuned = tuned_for(self.of(hardware), hardware, candidate)
        if tuned is None:
            return speed
        engine = ENGINES[candidate.engine]
        memory = engine.memory(candidate, hardware, model)
        here = engine.speed(candidate, memory, hardware, model, load, tuned.tuning) or speed
        found = correction(tuned.entries, hardware, candidate, model, load, tuned.tuning)
        if found is None and not tuned.proved:
            return speed
        return apply(here, found or _only(tuned.spread(candidate, model, load), tuned.because), load)


def correction(
    entries: Iterable[Measurement],
    hardware: Hardware,
    candidate: Candidate,
    model: ModelSpec,
    load: Load,
    tuning: Tuning = AS_FITTED,
) -> Correction | None:
    """What the nearest measurement of this model on this machine says beside `tuning` about one replica under `load`.

    Nearest: these settings, else other slots or context of the same format. None where there is none of them.
    """
    best: tuple[float, Measurement] | None = None
    for entry in entries:
        width = _width(entry, candidate, model)
        if width is not None and (best is None or width < best[0]):
            best = (width, entry)
    if best is None:
        return None
    width, entry = best
    points = _points(entry, hardware, load, tuning)
    return _from_points(points, width, entry, load) if points else None


def _only(spread: float, because: str) -> Correction:
    """No more than the machine's constants."""
    return Correction(
        rate=1.0, ttft=1.0, ttft_p95=1.0, tpot=1.0, tpot_p95=1.0,
        spread=min(spread, _WIDEST), basis="measured here", because=because,
    )  # fmt: skip


def apply(speed: Speed, found: Correction, load: Load) -> Speed:
    """The corrected prediction; rate, TTFT and TPOT stay consistent with each other."""

    def figure(was: Figure, factor: float) -> Figure:
        expected = was.expected * factor
        return Figure(
            low=expected / found.spread, expected=expected, high=expected * found.spread,
            basis=found.basis, source=SOURCE,
        )  # fmt: skip

    rate = found.rate
    if rate is None:
        before = _latency(speed.ttft_s.expected, speed.tpot_s.expected, load)
        after = _latency(speed.ttft_s.expected * found.ttft, speed.tpot_s.expected * found.tpot, load)
        rate = before / after if after else 1.0
    return Speed(
        in_flight=speed.in_flight,
        output_tokens_per_s=figure(speed.output_tokens_per_s, rate),
        ttft_s=figure(speed.ttft_s, found.ttft),
        ttft_p95_s=figure(speed.ttft_p95_s, found.ttft_p95),
        tpot_s=figure(speed.tpot_s, found.tpot),
        tpot_p95_s=figure(speed.tpot_p95_s, found.tpot_p95),
        queued=speed.queued,
        bound=speed.bound,
        ttft_warm_s=speed.ttft_warm_s and figure(speed.ttft_warm_s, found.ttft),
        ttft_cold_s=speed.ttft_cold_s and figure(speed.ttft_cold_s, found.ttft),
        ttft_cold_p95_s=speed.ttft_cold_p95_s and figure(speed.ttft_cold_p95_s, found.ttft_p95),
        kept_share=speed.kept_share,
    )


def _latency(ttft_s: float, tpot_s: float, load: Load) -> float:
    return ttft_s + max(load.output_tokens - 1, 0) * tpot_s


def _width(entry: Measurement, candidate: Candidate, model: ModelSpec) -> float | None:
    """How far a measured configuration is from the one asked about, as the factor of its range; None: too far."""
    was = entry.candidate
    kind = ("engine", "weights_format", "device", "tensor_parallel", "pipeline_parallel")
    if any(getattr(was, name) != getattr(candidate, name) for name in kind):
        return None
    if was.cards_in_all * candidate.replicas != candidate.cards_in_all * was.replicas:
        return None
    if was.nodes_of_replica != candidate.nodes_of_replica:
        return None
    if entry.model.hf_id != model.hf_id or entry.model.parameters != model.parameters:
        return None
    settings = ("kv_cache_dtype", "context_tokens", "max_in_flight", "max_batched_tokens", "cpu_layers")
    return _HERE if all(getattr(was, name) == getattr(candidate, name) for name in settings) else _SETTINGS


def _points(entry: Measurement, hardware: Hardware, load: Load, tuning: Tuning) -> list[_Point]:
    """Each measured load over today's prediction of it, by requests in flight per replica."""
    engine = ENGINES[entry.engine]
    memory = engine.memory(entry.candidate, hardware, entry.model)
    found = []
    for measured in entry.loads:
        at = load_of(entry, measured)
        raw = engine.speed(entry.candidate, memory, hardware, entry.model, at, tuning)
        if raw is not None:
            found.append(_point(measured, raw, at, load, entry.candidate.replicas))
    return sorted(found)


def _point(measured: MeasuredLoad, raw: Speed, at: Load, load: Load, replicas: int) -> _Point:
    return _Point(
        in_flight=at.in_flight,
        shape=_distance(at.input_tokens, load.input_tokens) + _distance(at.output_tokens, load.output_tokens),
        rate=measured.output_tokens_per_s / replicas / raw.output_tokens_per_s.expected,
        ttft=measured.ttft_s / raw.ttft_s.expected,
        ttft_p95=measured.ttft_p95_s / raw.ttft_p95_s.expected,
        tpot=measured.tpot_s / raw.tpot_s.expected,
        tpot_p95=measured.tpot_p95_s / raw.tpot_p95_s.expected,
    )


def _distance(one: float, other: float) -> float:
    return abs(math.log2(max(one, 1.0) / max(other, 1.0)))


def _from_points(points: list[_Point], width: float, entry: Measurement, load: Load) -> Correction:
    nearest = min(point.shape for point in points)
    near = [point for point in points if point.shape <= nearest + _SAME_SHAPE]
    asked = max(load.in_flight, 1.0)
    exact = any(abs(point.in_flight - asked) <= _SAME * asked for point in near) and nearest <= _SAME_SHAPE
    inside = near[0].in_flight <= asked <= near[-1].in_flight and nearest <= _SAME_SHAPE
    if width <= _HERE:
        width = _HERE if exact else _BETWEEN if inside else _BEYOND

    def ratio(pick: Callable[[_Point], float]) -> float:
        return at([(point.in_flight, pick(point)) for point in near], asked)

    return Correction(
        rate=ratio(lambda p: p.rate) if nearest <= _SAME_SHAPE else None,
        ttft=ratio(lambda p: p.ttft),
        ttft_p95=ratio(lambda p: p.ttft_p95),
        tpot=ratio(lambda p: p.tpot),
        tpot_p95=ratio(lambda p: p.tpot_p95),
        spread=width,
        basis="measured" if exact and width <= _HERE else "measured here",
        because=_because(entry, near, exact and width <= _HERE),
    )


def _because(entry: Measurement, near: list[_Point], exact: bool) -> str:
    loads = ", ".join(f"{point.in_flight:g}" for point in near)
    what = f"{entry.engine} {entry.engine_version}, {entry.model.hf_id} {entry.candidate.weights_format}"
    verb = "measured" if exact else "corrected by what was measured"
    return f"{verb} on this machine ({what}, at {loads} in flight, {entry.taken[:10]})"
