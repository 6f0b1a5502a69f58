"""What the charts show: lines of engines over the load, with ranges, target, planned load and crossover.

One description that the terminal (`text_chart`) and pages (`svg`) draw; both axes are logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from advisor.catalog import engine_limits, engine_names
from advisor.decide.words import unit_of
from advisor.pipeline import Answer
from advisor.schema import CurvePoint, Figure, value
from advisor.units import count, ms

_MINUTES_FROM_S = 120
_USUAL_END = 128  # in flight, which every curve reaches


@value
class Point:
    """A figure at a load; 8 of 10 runs lie between `low` and `high`, which are the figure where no range is known."""

    load: float
    low: float
    expected: float
    high: float


@value
class Line:
    """What one engine gives; `place` counts engines from the simplest on, for mark and colour."""

    engine: str
    title: str
    place: int
    points: tuple[Point, ...]
    role: Literal["sized", "default", "desk"] = "sized"  # for each load, as it is installed, for one person

    @property
    def has_range(self) -> bool:
        """Whether any of its figures has one."""
        return any(point.low < point.high for point in self.points)


@value
class Chart:
    """One chart: lines from the back to the front, loads in requests in flight, figures in `unit`."""

    name: Literal["rate", "wait"]
    title: str
    unit: str  # "tokens/s", "texts/s", "s"
    lines: tuple[Line, ...]
    planned: int
    crossover: float | None = None
    target: float | None = None  # in the chart's unit

    def shown(self, figure: float) -> str:
        """A figure in words: a time with its unit, a rate without."""
        if self.unit == "s":
            return ms(figure) if figure < _MINUTES_FROM_S else f"{figure / 60:,.0f} min"
        return f"{figure:,.0f}" if figure >= 10 else f"{figure:.1f}"

    def said(self, figure: float) -> str:
        """A figure with its unit."""
        return self.shown(figure) if self.unit == "s" else f"{self.shown(figure)} {self.unit}"


Figured = Callable[[CurvePoint, str], Point | None]  # of an engine at one load of the curve


def charts(answer: Answer) -> tuple[Chart, ...]:
    """All answers together, then the wait for the first word; fewer where nothing is known of one."""
    return tuple(filter(None, (rate_chart(answer), wait_chart(answer))))


def rate_chart(answer: Answer) -> Chart | None:
    """Total output by load: every engine sized for each load, and the simplest one as it is installed."""
    unit = unit_of(answer.workload)
    cross = answer.verdict.crossover_in_flight
    return _chart("rate", f"All together, {unit}", unit, _rate_lines(answer), answer, crossover=cross)


def wait_chart(answer: Answer) -> Chart | None:
    """Time to the first token by load, 95th percentile, and the target."""
    awaited = f"one {answer.workload.made}" if answer.workload.pooled else "the first word"
    target = answer.workload.ttft_ms
    lines = _lines(answer, _wait)
    return _chart(
        "wait", f"Wait for {awaited}, p95", "s", lines, answer, target=None if target is None else target / 1000
    )


def _chart(
    name: Literal["rate", "wait"],
    title: str,
    unit: str,
    lines: Sequence[Line],
    answer: Answer,
    *,
    crossover: float | None = None,
    target: float | None = None,
) -> Chart | None:
    """The winner's line in front; nothing where there are no lines, or nothing is planned."""
    winner = answer.verdict.winner
    if winner is None or not lines:
        return None
    front = sorted(lines, key=lambda line: line.role == "sized" and line.engine == answer.verdict.engine)
    peak = max(winner.estimate.peak_in_flight, 1)
    return Chart(
        name=name, title=title, unit=unit, lines=tuple(front), planned=peak, crossover=crossover, target=target
    )


def _rate_lines(answer: Answer) -> list[Line]:
    """The simplest engine also as it is installed; one that is planned for a person at a desk is a point."""
    found, desk = [], answer.plan.desk if answer.plan else None
    sized = {line.engine: line for line in _lines(answer, _rate)}
    for place, name in enumerate(_by_simplicity()):
        title, line = engine_limits(name).title, sized.get(name)
        plain = _points(answer, _default, name)
        alike = line is not None and [p.expected for p in plain] == [p.expected for p in line.points]
        if place == 0 and plain and not alike:
            named = f"{title} out of the box"
            found.append(Line(engine=name, title=named, place=place, points=plain, role="default"))
        if line is None and desk is not None and desk.engine == name and desk.estimate.peak_speed is not None:
            figure = desk.estimate.peak_speed.output_tokens_per_s
            points = (_point(1, figure),)
            found.append(Line(engine=name, title=f"{title} at a desk", place=place, points=points, role="desk"))
        found += [line] if line else []
    return found


def _lines(answer: Answer, figure: Figured) -> list[Line]:
    """A line an engine, the simplest first."""
    made = []
    for place, name in enumerate(_by_simplicity()):
        points = _points(answer, figure, name)
        if points:
            made.append(Line(engine=name, title=engine_limits(name).title, place=place, points=points))
    return made


def _by_simplicity() -> list[str]:
    return sorted(engine_names(), key=lambda name: engine_limits(name).simplicity)


def _points(answer: Answer, figure: Figured, engine: str) -> tuple[Point, ...]:
    """Those above zero, up to the first load at or beyond twice the planned one, and no fewer than the usual ones."""
    curve, winner = answer.verdict.curve, answer.verdict.winner
    end = max(2 * winner.estimate.peak_in_flight if winner else 0, _USUAL_END)
    beyond = next((point.in_flight for point in curve if point.in_flight >= end), end)
    found = (figure(point, engine) for point in curve if point.in_flight <= beyond)
    return tuple(point for point in found if point is not None and point.low > 0)


def _rate(point: CurvePoint, engine: str) -> Point | None:
    speed, rate = point.speeds.get(engine), point.tokens_per_s.get(engine)
    if speed is None:
        return _bare(point.in_flight, rate)
    return _point(point.in_flight, speed.output_tokens_per_s, point.replicas[engine])


def _wait(point: CurvePoint, engine: str) -> Point | None:
    speed = point.speeds.get(engine)
    return None if speed is None else _point(point.in_flight, speed.ttft_p95_s)


def _default(point: CurvePoint, engine: str) -> Point | None:
    return _bare(point.in_flight, point.default_tokens_per_s.get(engine))


def _bare(load: float, figure: float | None) -> Point | None:
    return Point(load=load, low=figure, expected=figure, high=figure) if figure else None


def _point(load: float, figure: Figure, times: int = 1) -> Point:
    return Point(load=load, low=figure.low * times, expected=figure.expected * times, high=figure.high * times)


def legend(chart: Chart) -> str:
    """What the thinnest line is, whose end tells the engine's name only; empty where there is none."""
    return next((f"Thin dots: {line.title}." for line in chart.lines if line.role == "default"), "")


def table(chart: Chart) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The chart as text: heads, and a row a load with the figure and its range of every line."""
    heads = ("in flight", *(line.title for line in reversed(chart.lines)))
    every = sorted({point.load for line in chart.lines for point in line.points})
    by_load = [{point.load: point for point in line.points} for line in reversed(chart.lines)]
    return heads, [(count(load), *(_cell(chart, points.get(load)) for points in by_load)) for load in every]


def _cell(chart: Chart, point: Point | None) -> str:
    if point is None:
        return "-"
    span = f" ({chart.shown(point.low)} to {chart.shown(point.high)})" if point.low < point.high else ""
    return chart.shown(point.expected) + span
