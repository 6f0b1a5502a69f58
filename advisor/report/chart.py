"""A log-log chart of characters: what each engine gives at each load, the planned load, the crossover."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from rich.text import Text

from advisor.catalog import engine_limits, engine_names
from advisor.schema import Plan, Verdict

_LABELS = 8  # columns before the axis
_END = 7  # columns behind the plot, for the last value
_USUAL_END = 128  # in flight, which every curve reaches
_STYLES = ("yellow", "cyan", "magenta")  # the simplest engine first


class Glyphs(NamedTuple):
    """What the chart is drawn with: a mark an engine, the simplest first."""

    engines: str
    default: str
    up: str
    corner: str
    along: str
    tick: str
    planned: str


UNICODE = Glyphs("○●◆", "·", "┤", "└", "─", "┬", "│")
ASCII = Glyphs("o#%", ".", "|", "+", "-", "+", "|")


class Series(NamedTuple):
    """One line: its points are load and rate, both above zero."""

    title: str
    mark: str
    style: str
    points: Sequence[tuple[float, float]]


class Plot(NamedTuple):
    """Where loads and rates lie on so many cells."""

    columns: int
    rows: int
    loads: tuple[float, float]
    rates: tuple[float, float]

    def column(self, load: float) -> int:
        """0 at the left."""
        return round(_share(load, self.loads) * (self.columns - 1))

    def row(self, rate: float) -> int:
        """0 at the top."""
        return round((1 - _share(rate, self.rates)) * (self.rows - 1))

    def load(self, column: int) -> float:
        """The load at a column."""
        low, high = self.loads
        return low * math.exp(math.log(high / low) * column / max(self.columns - 1, 1))


def _share(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return min(max(math.log(value / low) / math.log(high / low), 0.0), 1.0)


def series(verdict: Verdict, glyphs: Glyphs, desk: Plan | None = None) -> list[Series]:
    """The simplest engine as it is installed, then every engine sized for each load, the winner last and on top.

    An engine that is planned for one person at a desk is a point.
    """
    names = sorted(engine_names(), key=lambda name: engine_limits(name).simplicity)
    found = []
    for place, name in enumerate(names):
        title, style = engine_limits(name).title, _STYLES[place % len(_STYLES)]
        points = [(p.in_flight, rate) for p in verdict.curve if (rate := p.tokens_per_s.get(name))]
        plain = [(p.in_flight, rate) for p in verdict.curve if (rate := p.default_tokens_per_s.get(name))]
        if place == 0 and plain and plain != points:
            found.append(Series(f"{title} out of the box", glyphs.default, "dim", plain))
        if desk is not None and desk.engine == name and not points and desk.estimate.peak_speed is not None:
            title, points = f"{title} at a desk", [(1, desk.estimate.peak_speed.output_tokens_per_s.expected)]
        if points:
            found.append(Series(title, glyphs.engines[place % len(glyphs.engines)], style, points))
    winner = engine_limits(verdict.engine).title if verdict.winner else ""
    return sorted(found, key=lambda each: each.title == winner)


def chart(
    verdict: Verdict, peak: int, unit: str, width: int, rows: int, *, unicode: bool, desk: Plan | None = None
) -> Iterator[Text]:
    """Title, so many rows of plot, axis, loads, and what the two marks on the axis say; nothing without a curve."""
    glyphs = UNICODE if unicode else ASCII
    lines = series(_as_far_as(verdict, 2 * peak), glyphs, desk)
    if not lines:
        return
    plot = _plot(lines, width, rows)
    yield from _title(lines, unit, width)
    yield from _body(lines, plot, plot.column(max(peak, 1)), glyphs)
    yield from _axis(plot, verdict, peak, glyphs)


def _as_far_as(verdict: Verdict, load: float) -> Verdict:
    """The curve up to its first point at or beyond a load, and no shorter than the usual one."""
    end = max(load, _USUAL_END)
    beyond = next((point.in_flight for point in verdict.curve if point.in_flight >= end), end)
    return replace(verdict, curve=tuple(point for point in verdict.curve if point.in_flight <= beyond))


def _plot(lines: Sequence[Series], width: int, rows: int) -> Plot:
    points = [point for each in lines for point in each.points]
    loads, rates = ([point[axis] for point in points] for axis in (0, 1))
    low, high = min(rates), max(rates)
    spread = (low / 2, high * 2) if high < 2 * low else (low, high)
    return Plot(width - _LABELS - 1 - _END, rows, (min(loads), max(max(loads), 2 * min(loads))), spread)


def _title(lines: Sequence[Series], unit: str, width: int) -> Iterator[Text]:
    keys = [Text(f"{each.mark} {each.title}", style=each.style) for each in reversed(lines)]
    line = Text().append(f"All together, {unit}", style="bold")
    for key in keys:
        if line.cell_len + 3 + key.cell_len > width:
            yield line
            line = Text("  ")
        line.append("   ").append_text(key)
    yield line


def _body(lines: Sequence[Series], plot: Plot, peak: int, glyphs: Glyphs) -> Iterator[Text]:
    cells = [[(" ", "")] * plot.columns for _ in range(plot.rows)]
    for row in cells:
        row[peak] = (glyphs.planned, "dim")
    for each in lines:
        _trace(each, plot, cells)
    labels, ends = _ticks(plot), _ends(lines, plot)
    for number, row in enumerate(cells):
        line = Text(f"{labels.get(number, ''):>{_LABELS}}{glyphs.up}")
        for mark, style in row:
            line.append(mark, style=style)
        if number in ends:
            value, style = ends[number]
            line.append(f" {value:,.0f}" if value >= 10 else f" {value:.1f}", style=style)
        yield line


def _trace(each: Series, plot: Plot, cells: list[list[tuple[str, str]]]) -> None:
    """A straight line between neighbours, as both axes are logarithms; a mark in every column."""
    first, last = plot.column(each.points[0][0]), plot.column(each.points[-1][0])
    for column in range(first, last + 1):
        cells[plot.row(_rate_at(each.points, plot.load(column)))][column] = (each.mark, each.style)


def _rate_at(points: Sequence[tuple[float, float]], load: float) -> float:
    for (x0, y0), (x1, y1) in pairwise(points):
        if load <= x1:
            return y0 * math.exp(math.log(y1 / y0) * max(math.log(load / x0) / math.log(x1 / x0), 0.0))
    return points[-1][1]


def _ticks(plot: Plot) -> dict[int, str]:
    """Round numbers at the rows nearest to them, as many as there is room for."""
    low, high = plot.rates
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: dict[int, str] = {}
    for number in (step * 10.0**power for step in (1, 5, 2) for power in powers):  # the roundest first
        row = plot.row(number)
        if low <= number <= high and not {row - 1, row, row + 1} & set(found):
            found[row] = f"{number:,.0f}" if number >= 1 else f"{number:g}"
    return found


def _ends(lines: Sequence[Series], plot: Plot) -> dict[int, tuple[float, str]]:
    """The last value of each line at its row; of two at one row the one on top."""
    return {plot.row(each.points[-1][1]): (each.points[-1][1], each.style) for each in lines}


def _axis(plot: Plot, verdict: Verdict, peak: int, glyphs: Glyphs) -> Iterator[Text]:
    """The axis with its ticks and both marks, the loads below it, and what the marks mean."""
    ruler, numbers = list(glyphs.along * plot.columns), [" "] * (plot.columns + _END)
    free = 0
    for load in (2**power for power in range(plot.columns) if 2**power <= plot.loads[1]):
        column, text = plot.column(load), str(load)
        if column >= free:
            ruler[column] = glyphs.tick
            numbers[column : column + len(text)] = text
            free = column + len(text) + 1
    told, cross = [], verdict.crossover_in_flight
    if cross is not None:
        ruler[plot.column(max(cross, plot.loads[0]))] = "x"
        told.append(f"x crossover at {cross:.0f}")
    ruler[plot.column(max(peak, 1))] = "^"
    told.append(f"^ planned load, {peak:,} in flight")
    yield Text(f"{'':{_LABELS}}{glyphs.corner}{''.join(ruler)}")
    yield Text(f"{'':{_LABELS + 1}}{''.join(numbers).rstrip()}", style="dim")
    yield Text(f"{'':{_LABELS + 1}}{'   '.join(told)}")
