"""A chart as inline SVG: no script, no style sheet of its own, nothing fetched.

Colours are CSS variables of the page around it (`--line-0`, `--line-1`, ..., `--target`), else that of its text, so
that one drawing serves light, dark and paper; lines also differ in their dashes. Every point tells its figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from advisor.report.axes import Scale, figures, load_ticks, loads, ticks
from advisor.report.chart import Chart, Line, Point
from advisor.units import count

_WIDE, _HIGH = 480, 300
_LEFT, _TOP, _BOTTOM = 58, 26, 46  # margins of the plot; right of it stand the names of the lines
_LETTER = 7  # of a label, wide
_BOLD = 7.6  # of a bold one
_GAP = 7  # between a line's end and its name
_TICKS_APART, _ENDS_APART = 22, 15
_DASHES = ("7 4", "", "2 4", "9 3 2 3")  # the simplest engine first
_CROSSOVER = "crossover"
_HALO = 'stroke="var(--card,none)" stroke-width="3" paint-order="stroke"'  # a word over a line stays readable
_QUIET = 0.62  # of what may be skipped


class Plot(NamedTuple):
    """Where loads and figures lie on the drawing."""

    loads: Scale
    figures: Scale
    right: float  # end of the plot, from the left

    def x(self, load: float) -> float:
        """From the left."""
        return round(_LEFT + self.loads.share(load) * (self.right - _LEFT), 1)

    def y(self, figure: float) -> float:
        """From the top."""
        return round(_TOP + (1 - self.figures.share(figure)) * (_HIGH - _TOP - _BOTTOM), 1)


def chart_svg(chart: Chart) -> str:
    """An `<svg>` element with title and description for who cannot see it."""
    widest = max((len(_named(chart, line)) for line in chart.lines), default=0)
    plot = Plot(loads(chart), figures(chart, ranges=True), round(_WIDE - _GAP - _BOLD * widest, 1))
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDE} {_HIGH}" role="img" fill="currentColor" font-size="12">',
        f"<title>{escape(chart.title)}</title><desc>{escape(described(chart))}</desc>",
        *_grid(chart, plot),
        *(_band(line, plot) for line in chart.lines if line.has_range),
        *_planned(chart, plot),
        *_target(chart, plot),
        *(mark for line in chart.lines for mark in _line(chart, line, plot)),
        *_crossover(chart, plot),
        *_ends(chart, plot),
        "</svg>",
    ]
    return "\n".join(parts)


def described(chart: Chart) -> str:
    """What the chart shows, in sentences: each line at the planned load, the target, the crossover."""
    several = "s in flight are" if chart.planned != 1 else " in flight is"
    told = [f"{count(chart.planned)} request{several} planned."]
    for line in reversed(chart.lines):
        near = min(line.points, key=lambda point: abs(point.load - chart.planned))
        told.append(_told(chart, line, near) + ".")
    if chart.target is not None:
        told.append(f"The target is {chart.said(chart.target)}.")
    if chart.crossover is not None:
        told.append(f"The lines cross at {chart.crossover:.0f} in flight.")
    return " ".join(told)


def _told(chart: Chart, line: Line, point: Point) -> str:
    span = f" ({chart.shown(point.low)} to {chart.shown(point.high)})" if point.low < point.high else ""
    return f"{line.title}, {count(point.load)} in flight: {chart.said(point.expected)}{span}"


def _colour(line: Line) -> str:
    return f"var(--line-{line.place},currentColor)"


def _dash(line: Line) -> str:
    """Of the simplest engine as it is installed: the thinnest there is."""
    dashes = "1 4" if line.role == "default" else _DASHES[line.place % len(_DASHES)]
    return f' stroke-dasharray="{dashes}"' if dashes else ""


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"{f" {more}" if more else ""}>{escape(text)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, more: str) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="currentColor" {more}/>'


def _grid(chart: Chart, plot: Plot) -> Iterator[str]:
    """Round figures with a thin line each, loads below, and what the axis of loads is."""
    quiet = f'fill-opacity="{_QUIET}"'
    for figure in ticks(chart, plot.figures, plot.y, _TICKS_APART):
        y = plot.y(figure)
        yield _rule(_LEFT, y, plot.right, y, 'stroke-opacity=".14"')
        yield _text(_LEFT - 7, y + 4, _label(chart, figure), f'text-anchor="end" {quiet}')
    for load in load_ticks(plot.loads, plot.x, _LETTER):
        yield _text(plot.x(load), _HIGH - _BOTTOM + 18, str(load), f'text-anchor="middle" {quiet}')
    middle = (_LEFT + plot.right) / 2
    yield _text(middle, _HIGH - 8, "requests in flight", f'text-anchor="middle" {quiet}')


def _label(chart: Chart, figure: float) -> str:
    """A round figure, `2 s` and not `2.0 s`."""
    return chart.shown(figure).replace(".0 ", " ").removesuffix(".0")


def _band(line: Line, plot: Plot) -> str:
    """The range as an area: the high ends forth, the low ends back."""
    ends = [(point.load, point.high) for point in line.points]
    ends += [(point.load, point.low) for point in reversed(line.points)]
    path = " ".join(f"{plot.x(load):g},{plot.y(figure):g}" for load, figure in ends)
    return f'<polygon points="{path}" fill="{_colour(line)}" fill-opacity=".15"/>'


def _line(chart: Chart, line: Line, plot: Plot) -> Iterator[str]:
    """The expected figures, and a mark at each that tells them."""
    path = " ".join(f"{plot.x(point.load):g},{plot.y(point.expected):g}" for point in line.points)
    width = 1.4 if line.role == "default" else 2.4
    yield (
        f'<polyline points="{path}" fill="none" stroke="{_colour(line)}" stroke-width="{width}"'
        f' stroke-linejoin="round"{_dash(line)}/>'
    )
    yield f'<g fill="{_colour(line)}">'
    for point in line.points:
        at, told = f'cx="{plot.x(point.load):g}" cy="{plot.y(point.expected):g}"', escape(_told(chart, line, point))
        yield f'<circle {at} r="{2.6 if len(line.points) > 1 else 4.5}"><title>{told}</title></circle>'
    yield "</g>"


def _planned(chart: Chart, plot: Plot) -> Iterator[str]:
    x, said = plot.x(chart.planned), f"your peak, {count(chart.planned)}"
    yield _rule(x, _TOP - 6, x, _HIGH - _BOTTOM, 'stroke-dasharray="2 3" stroke-opacity=".75"')
    left = x + 5 + _LETTER * len(said) < _WIDE
    yield _text(x + (5 if left else -5), _TOP - 10, said, "" if left else 'text-anchor="end"')


def _target(chart: Chart, plot: Plot) -> Iterator[str]:
    if chart.target is not None:
        y, colour = plot.y(chart.target), "var(--target,currentColor)"
        yield f'<path d="M{_LEFT} {y:g}H{plot.right:g}" stroke="{colour}" stroke-width="1.6"/>'
        yield _text(_LEFT + 4, y - 5, f"target {_label(chart, chart.target)}", f'fill="{colour}" {_HALO}')


def _crossover(chart: Chart, plot: Plot) -> Iterator[str]:
    """A line of its own: which pair of ways is compared there need not be the one that the curves show."""
    if chart.crossover is not None and plot.loads.low < chart.crossover <= plot.loads.high:
        x = plot.x(chart.crossover)
        yield _rule(x, _TOP + 14, x, _HIGH - _BOTTOM, 'stroke-dasharray="1 4" stroke-opacity=".75"')
        middle = 'text-anchor="middle" ' if x > _LEFT + _LETTER * len(_CROSSOVER) else ""
        yield _text(x, _TOP + 10, f"{_CROSSOVER} {chart.crossover:.0f}", middle + _HALO)


def _ends(chart: Chart, plot: Plot) -> Iterator[str]:
    """Each line's name and last figure behind its end, moved apart where two would lie on one another."""
    taken = -float(_HIGH)
    for line in sorted(chart.lines, key=lambda each: plot.y(each.points[-1].expected)):
        last = line.points[-1]
        x, y = plot.x(last.load) + _GAP, plot.y(last.expected) + 4
        if line.role != "desk":
            y = taken = max(y, taken + _ENDS_APART)
        bold = "" if line.role == "default" else ' font-weight="600"'
        yield _text(x, y, _named(chart, line), f'fill="{_colour(line)}"{bold}')


def _named(chart: Chart, line: Line) -> str:
    """A line's name and last figure."""
    said = line.title.split()[0] if line.role == "default" else line.title
    return f"{said} {chart.shown(line.points[-1].expected)}"
