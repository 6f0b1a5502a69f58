"""The ways of `size` as dots: cost against wait, throughput a card against speed a person; in characters and as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from rich.text import Text

from advisor.report.axes import Scale
from advisor.report.screen import Screen
from advisor.report.sized import SizeAnswer
from advisor.schema import value
from advisor.sizing.option import title
from advisor.sizing.way import Way
from advisor.units import count, seconds

_ROWS = 8
_LABEL = 9
_WIDE, _HIGH, _EDGE, _LEFT = 480, 260, 30, 60
_LEAST = 1e-3  # money a month, for the logarithm


@value
class Dot:
    """One way."""

    x: float
    y: float
    number: int  # in the answer; 0: not named there
    told: str


@value
class Scatter:
    """Dots between two axes, both by their logarithm."""

    title: str
    better: str
    ends: tuple[str, str, str, str]  # least and most of x, least and most of y, as they are written
    dots: tuple[Dot, ...]


def scatters(answer: SizeAnswer) -> tuple[Scatter, ...]:
    """Both charts; none where fewer than two ways have what it shows."""
    unit = answer.terms.exchange.currency
    money = [
        (max(way.cost.per_month, _LEAST), way.answer_s, way)
        for way in answer.found.ways
        if way.cost and math.isfinite(way.answer_s)
    ]
    pace = [(*found, way) for way in answer.found.ways if (found := _pace(way)) is not None]
    made = (
        _scatter(f"Wait for an answer against {unit} a month", "lower left", money, answer, _money, seconds),
        _scatter("Tokens/s of a card against tokens/s of a person", "upper right", pace, answer, count, count),
    )
    return tuple(each for each in made if len(each.dots) > 1)


def _money(amount: float) -> str:
    return f"{amount:,.0f}"


def _pace(way: Way) -> tuple[float, float] | None:
    """What a person gets, and what a card gives."""
    winner = way.verdict.winner
    speed = winner.estimate.speed if winner else None
    if winner is None or speed is None:
        return None
    used = winner.estimate.candidate
    return 1 / speed.tpot_s.expected, speed.output_tokens_per_s.expected * used.replicas / way.fit.cards


def _scatter(
    name: str,
    better: str,
    rows: Sequence[tuple[float, float, Way]],
    answer: SizeAnswer,
    across: Callable[[float], str],
    up: Callable[[float], str],
) -> Scatter:
    chosen = [option.way.fit for option in answer.options]
    dots = [
        Dot(
            x=x,
            y=y,
            number=chosen.index(way.fit) + 1 if way.fit in chosen else 0,
            told=f"{title(way.fit)}: {across(x)}, {up(y)}",
        )
        for x, y, way in rows
    ]
    xs, ys = [dot.x for dot in dots] or [1.0], [dot.y for dot in dots] or [1.0]
    ends = (across(min(xs)), across(max(xs)), up(min(ys)), up(max(ys)))
    return Scatter(title=name, better=better, ends=ends, dots=tuple(sorted(dots, key=lambda dot: dot.number > 0)))


def _scales(chart: Scatter) -> tuple[Scale, Scale]:
    """Both axes; of one figure only, with room around it."""

    def axis(found: Sequence[float]) -> Scale:
        low, high = min(found), max(found)
        return Scale(low, high) if high > low else Scale(low / 2, high * 2)

    return axis([dot.x for dot in chart.dots]), axis([dot.y for dot in chart.dots])


def scatter_lines(chart: Scatter, screen: Screen) -> Iterator[Text]:
    """In characters; ways of the answer by their number."""
    across, up = _scales(chart)
    wide = screen.columns - _LABEL - 3
    cells = [[" "] * wide for _ in range(_ROWS)]
    for dot in chart.dots:
        row, column = round(up.share(dot.y) * (_ROWS - 1)), round(across.share(dot.x) * (wide - 1))
        cells[_ROWS - 1 - row][column] = str(dot.number or ("·" if screen.unicode else "."))
    left, right, low, high = chart.ends
    yield Text(f"{chart.title} ({chart.better} is better)", style="bold")
    for number, line in enumerate(cells):
        label = {0: high, _ROWS - 1: low}.get(number, "")
        yield Text(f"{label:>{_LABEL}} {'│' if screen.unicode else '|'}{''.join(line)}".rstrip())
    yield Text(f"{'':>{_LABEL}} {('└' if screen.unicode else '+')}{('─' if screen.unicode else '-') * wide}")
    yield Text(f"{'':>{_LABEL}}  {left}{right:>{wide - len(left)}}")
    yield Text()


def scatter_svg(chart: Scatter) -> str:
    """The same as an `<svg>` whose dots tell what they are."""
    across, up = _scales(chart)
    left, right, low, high = (escape(end) for end in chart.ends)
    foot, end = _HIGH - _EDGE, _WIDE - _EDGE
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDE} {_HIGH}" role="img" fill="currentColor" font-size="12">',
        f"<title>{escape(chart.title)}</title>",
        f"<desc>{escape('; '.join(dot.told for dot in chart.dots))}</desc>",
        f'<path d="M{_LEFT} {_EDGE}V{foot}H{end}" fill="none" stroke="currentColor" stroke-opacity=".4"/>',
        f'<text x="{_LEFT}" y="{foot + 18}">{left}</text>',
        f'<text x="{end}" y="{foot + 18}" text-anchor="end">{right}</text>',
        f'<text x="{_LEFT - 6}" y="{foot}" text-anchor="end">{low}</text>',
        f'<text x="{_LEFT - 6}" y="{_EDGE + 10}" text-anchor="end">{high}</text>',
    ]
    for dot in chart.dots:
        x, y = _LEFT + across.share(dot.x) * (end - _LEFT), foot - up.share(dot.y) * (foot - _EDGE)
        colour = "var(--line-1,currentColor)" if dot.number else "currentColor"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{6 if dot.number else 3}" fill="{colour}" '
            f'fill-opacity="{1 if dot.number else 0.5}"><title>{escape(dot.told)}</title></circle>'
        )
        if dot.number:
            parts.append(f'<text x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">{dot.number}</text>')
    return "\n".join([*parts, "</svg>"])
