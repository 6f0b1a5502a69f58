"""A chart of characters: a mark in every column, the planned load and the crossover on the axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.text import Text

from advisor.report.axes import Scale, figures, load_ticks, loads, ticks
from advisor.report.chart import Chart, Line, Point

_LABELS = 8  # columns before the axis
_END = 7  # columns behind the plot, for the last value
_STYLES = ("yellow", "cyan", "magenta")  # the simplest engine first
_TICKS_APART = 2  # rows


class Glyphs(NamedTuple):
    """What the chart is drawn with: a mark an engine, the simplest first."""

    engines: str
    default: str
    up: str
    corner: str
    along: str
    tick: str
    planned: str

    def mark(self, line: Line) -> str:
        """Of a line."""
        return self.default if line.role == "default" else self.engines[line.place % len(self.engines)]


UNICODE = Glyphs("○●◆", "·", "┤", "└", "─", "┬", "│")
ASCII = Glyphs("o#%", ".", "|", "+", "-", "+", "|")


class Plot(NamedTuple):
    """Where loads and figures lie on so many cells."""

    columns: int
    rows: int
    loads: Scale
    figures: Scale

    def column(self, load: float) -> int:
        """0 at the left."""
        return round(self.loads.share(load) * (self.columns - 1))

    def row(self, figure: float) -> int:
        """0 at the top."""
        return round((1 - self.figures.share(figure)) * (self.rows - 1))

    def load(self, column: int) -> float:
        """The load at a column."""
        return self.loads.at(column / max(self.columns - 1, 1))


def text_chart(chart: Chart, width: int, rows: int, *, unicode: bool) -> Iterator[Text]:
    """Title, so many rows of plot, axis, loads, and what the two marks on the axis say."""
    glyphs = UNICODE if unicode else ASCII
    plot = Plot(width - _LABELS - 1 - _END, rows, loads(chart), figures(chart, ranges=False))
    yield from _title(chart, glyphs, width)
    yield from _body(chart, plot, glyphs)
    yield from _axis(chart, plot, glyphs)


def _style(line: Line) -> str:
    return "dim" if line.role == "default" else _STYLES[line.place % len(_STYLES)]


def _title(chart: Chart, glyphs: Glyphs, width: int) -> Iterator[Text]:
    keys = [Text(f"{glyphs.mark(each)} {each.title}", style=_style(each)) for each in reversed(chart.lines)]
    line = Text().append(chart.title, style="bold")
    for key in keys:
        if line.cell_len + 3 + key.cell_len > width:
            yield line
            line = Text("  ")
        line.append("   ").append_text(key)
    yield line


def _body(chart: Chart, plot: Plot, glyphs: Glyphs) -> Iterator[Text]:
    cells = [[(" ", "")] * plot.columns for _ in range(plot.rows)]
    for row in cells:
        row[plot.column(chart.planned)] = (glyphs.planned, "dim")
    for each in sorted(chart.lines, key=lambda each: -len(each.points)):  # a single point lies on top
        _trace(each, plot, cells, glyphs)
    labels, ends = _labels(chart, plot), _ends(chart, plot)
    for number, row in enumerate(cells):
        line = Text(f"{labels.get(number, ''):>{_LABELS}}{glyphs.up}")
        for mark, style in row:
            line.append(mark, style=style)
        if number in ends:
            line.append(f" {ends[number][0]}", style=ends[number][1])
        yield line


def _trace(each: Line, plot: Plot, cells: list[list[tuple[str, str]]], glyphs: Glyphs) -> None:
    """A straight line between neighbours, as both axes are logarithms; a mark in every column."""
    first, last = plot.column(each.points[0].load), plot.column(each.points[-1].load)
    for column in range(first, last + 1):
        row = plot.row(_figure_at(each.points, plot.load(column)))
        cells[row][column] = (glyphs.mark(each), _style(each))


def _figure_at(points: Sequence[Point], load: float) -> float:
    for one, two in pairwise(points):
        if load <= two.load:
            share = max(math.log(load / one.load) / math.log(two.load / one.load), 0.0)
            return one.expected * math.exp(math.log(two.expected / one.expected) * share)
    return points[-1].expected


def _labels(chart: Chart, plot: Plot) -> dict[int, str]:
    """Round numbers at the rows nearest to them, as many as there is room for."""
    found = ticks(chart, plot.figures, plot.row, _TICKS_APART)
    return {plot.row(number): f"{number:,.0f}" if number >= 1 else f"{number:g}" for number in found}


def _ends(chart: Chart, plot: Plot) -> dict[int, tuple[str, str]]:
    """The last figure of each line that reaches the end, at its row; of two at one row the one on top."""
    end = max(each.points[-1].load for each in chart.lines)
    last = [(each.points[-1].expected, _style(each)) for each in chart.lines if each.points[-1].load == end]
    return {plot.row(figure): (chart.shown(figure), style) for figure, style in last}


def _axis(chart: Chart, plot: Plot, glyphs: Glyphs) -> Iterator[Text]:
    """The axis with its ticks and both marks, the loads below it, and what the marks mean."""
    ruler, numbers = list(glyphs.along * plot.columns), [" "] * (plot.columns + _END)
    for load in load_ticks(plot.loads, plot.column, 1):
        column, text = plot.column(load), str(load)
        ruler[column] = glyphs.tick
        numbers[column : column + len(text)] = text
    told = []
    if chart.crossover is not None:
        ruler[plot.column(max(chart.crossover, plot.loads.low))] = "x"
        told.append(f"x crossover at {chart.crossover:.0f}")
    ruler[plot.column(chart.planned)] = "^"
    told.append(f"^ planned load, {chart.planned:,} in flight")
    yield Text(f"{'':{_LABELS}}{glyphs.corner}{''.join(ruler)}")
    yield Text(f"{'':{_LABELS + 1}}{''.join(numbers).rstrip()}", style="dim")
    yield Text(f"{'':{_LABELS + 1}}{'   '.join(told)}")
