"""A watch from its beginning to its end: look after look, and what all of them say together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace

from advisor.engines.looking import Reader, Reading
from advisor.errors import EnvironmentFailed
from advisor.schema import value
from advisor.units import ms
from advisor.watch.crossover import Crossover, Forecast, Levels, crossover
from advisor.watch.evidence import Cause, causes, planned_of
from advisor.watch.gateway import in_flight
from advisor.watch.replicas import ReplicasReader
from advisor.watch.server import reader_of
from advisor.watch.steps import Step, step_of
from advisor.watch.target import Target
from advisor.watch.trend import Break, break_of

PATIENCE_S = 10.0  # without an answer, before a server that did answer is held to be gone
MOST_LOOKS = 20_000  # kept of a watch without end; older ones are let go


@value
class Bounds:
    """What is promised to people; None: nothing is."""

    ttft_s: float | None = None
    tpot_s: float | None = None


@value
class View:
    """Everything that is known after a look."""

    step: Step
    causes: tuple[Cause, ...]
    breaks: tuple[Break, ...]
    crossover: Crossover
    gaps: tuple[str, ...]
    looks: int
    watched_s: float
    most_in_flight: int | None = None
    seen: Mapping[str, Cause] = field(default_factory=dict)  # every cause so far, by its id
    gone: str = ""  # why nothing more can be seen: it answered, and does not any more


class GatewayReader:
    """A reader whose engine counts nobody who waits, behind a gateway that counts who is in flight."""

    def __init__(self, reader: Reader, metrics_port: int) -> None:
        self._reader, self._port = reader, metrics_port

    def read(self, now_s: float) -> Reading:
        """One look at both."""
        found = self._reader.read(now_s)
        passed = in_flight(self._port)
        if passed is None or found.waiting is not None or found.running is None:
            return found
        told = tuple(gap for gap in found.gaps if "no request that waits" not in gap)
        return replace(found, waiting=max(passed - found.running, 0), gaps=told)


def reader_for(target: Target) -> Reader:
    """How a target is looked at."""
    several = {each.base: reader_of(each) for each in (target.server, *target.beside)}
    reader = ReplicasReader(several) if target.beside else reader_of(target.server)
    return reader if target.metrics_port is None else GatewayReader(reader, target.metrics_port)


def watch(
    target: Target,
    bounds: Bounds,
    forecast: Forecast,
    *,
    seconds: float | None,
    every_s: float,
    reader: Reader | None = None,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[View]:
    """Look until the time is over; None: until whoever looks stops. Where it stops answering, the last view says so.

    Raises:
        EnvironmentFailed: the engine does not answer at the first look.
    """
    reader = reader or reader_for(target)
    readings: list[Reading] = []
    steps: list[Step] = []
    seen: dict[str, Cause] = {}
    levels = Levels()
    began, looks = clock(), 0
    most: int | None = None
    view: View | None = None
    while True:
        try:
            readings.append(reader.read(clock()))
        except EnvironmentFailed as error:
            if view is None:
                raise
            if clock() - readings[-1].at_s < PATIENCE_S:  # a look that a busy server missed, or a start anew
                pause(every_s)
                continue
            yield replace(view, gone=str(error))
            return
        if len(readings) > 1:
            levels.add(*readings[-2:])
        steps.append(step_of(readings))
        del readings[:-MOST_LOOKS], steps[:-MOST_LOOKS]
        found = causes(target.server.engine, readings, planned_of(target.plan))
        seen |= {each.id: each for each in found}
        looks += 1
        flying = [each for each in (most, steps[-1].in_flight) if each is not None]
        most = max(flying, default=None)
        view = View(
            step=steps[-1],
            causes=found,
            breaks=_breaks(steps, bounds, forecast),
            crossover=crossover(forecast, levels.rates(), steps[-1].in_flight),
            gaps=(*readings[-1].gaps, *_untold(readings[-1], bounds)),
            looks=looks,
            watched_s=readings[-1].at_s - began,
            most_in_flight=most,
            seen=dict(seen),
        )
        yield view
        if seconds is not None and readings[-1].at_s - began >= seconds:
            return
        pause(every_s)


def _untold(now: Reading, bounds: Bounds) -> Iterator[str]:
    """What was promised and cannot be seen: silence must not pass for a target that holds."""
    told = (("time to first token", bounds.ttft_s, now.ttft), ("time per output token", bounds.tpot_s, now.tpot))
    for what, bound, histogram in told:
        if bound is not None and not histogram:
            yield f"{what}: there is a target of {ms(bound)}, and the engine does not tell what people get"


def _breaks(steps: list[Step], bounds: Bounds, forecast: Forecast) -> tuple[Break, ...]:
    """When the trend meets each bound that there is."""
    rows: tuple[tuple[str, float | None, Callable[[Step], float | None]], ...] = (
        ("time to first token (p95)", bounds.ttft_s, lambda each: each.ttft_p95_s),
        ("time per output token (p95)", bounds.tpot_s, lambda each: each.tpot_p95_s),
        ("requests in flight", forecast.capacity, lambda each: each.in_flight),
    )
    found = []
    for what, bound, figure in rows:
        points = [(each.at_s, float(told)) for each in steps if (told := figure(each)) is not None]
        if bound is not None and (met := break_of(what, points, bound)) is not None:
            found.append(met)
    return tuple(found)
