"""Measured against predicted as inline SVG, as `svg` draws charts: both axes are logarithms, a dot is a measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from advisor.report.axes import Scale

_SIZE, _LEFT, _RIGHT, _TOP, _BOTTOM = 480, 62, 26, 14, 46
_WITHIN = 1.25  # between the thin lines
_COLOURS = 3  # that the page has for lines
Place = Callable[[float], float]  # of a rate, from the left or from the top
_QUIET = 'fill-opacity=".62"'


class Dot(NamedTuple):
    """One measurement: its engine, both rates in tokens/s, what it is in words."""

    engine: str
    measured: float
    predicted: float
    told: str


def scatter_svg(dots: Sequence[Dot]) -> str:
    """An `<svg>` element; each dot tells what it is. There must be one dot at least."""
    rates = [rate for dot in dots for rate in (dot.measured, dot.predicted)]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)) + 1e-9)
    engines = list(dict.fromkeys(sorted(dot.engine for dot in dots)))

    ends = (10.0**low, 10.0**high)
    scale = Scale(*ends)

    def x(rate: float) -> float:
        return round(_LEFT + scale.share(rate) * (_SIZE - _LEFT - _RIGHT), 1)

    def y(rate: float) -> float:
        return round(_SIZE - _BOTTOM - scale.share(rate) * (_SIZE - _TOP - _BOTTOM), 1)

    parts = [
        f'<svg class="chart" viewBox="0 0 {_SIZE} {_SIZE}" role="img" fill="currentColor" font-size="12">',
        f"<title>Output rate, measured against predicted: {len(dots)} measurements</title>",
        *_axes([10.0**power for power in range(low, high + 1)], x, y),
        *(_diagonal(ends, factor, x, y) for factor in (1.0, _WITHIN, 1 / _WITHIN)),
        *(_dot(dot, engines.index(dot.engine), x(dot.measured), y(dot.predicted)) for dot in dots),
        *_legend(engines),
        "</svg>",
    ]
    return "\n".join(parts)


def _colour(place: int) -> str:
    return f"var(--line-{place % _COLOURS},currentColor)"


def _dot(dot: Dot, place: int, x: float, y: float) -> str:
    title = f"<title>{escape(dot.told)}</title>"
    return f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="{_colour(place)}" fill-opacity=".55">{title}</circle>'


def _diagonal(
    ends: tuple[float, float], factor: float, x: Callable[[float], float], y: Callable[[float], float]
) -> str:
    """Where predicted is `factor` times measured, as far as both axes reach."""
    low, high = ends[0] * max(1.0, 1 / factor), ends[1] * min(1.0, 1 / factor)
    width = 1.2 if factor == 1.0 else 0.5
    at = f'x1="{x(low):g}" y1="{y(low * factor):g}" x2="{x(high):g}" y2="{y(high * factor):g}"'
    return f'<line {at} stroke="currentColor" stroke-width="{width}"/>'


def _axes(rates: Sequence[float], x: Place, y: Place) -> Iterator[str]:
    """A thin line and a number for each power of ten, and what the axes are."""
    left, right, top, bottom = _LEFT, _SIZE - _RIGHT, _TOP, _SIZE - _BOTTOM
    for rate in rates:
        for line in (f"M{x(rate):g} {top}V{bottom}", f"M{left} {y(rate):g}H{right}"):
            yield f'<path d="{line}" stroke="currentColor" stroke-opacity=".14"/>'
        yield f'<text x="{x(rate):g}" y="{bottom + 18}" text-anchor="middle" {_QUIET}>{rate:,g}</text>'
        yield f'<text x="{left - 7}" y="{y(rate) + 4:g}" text-anchor="end" {_QUIET}>{rate:,g}</text>'
    across, up = (left + right) / 2, (top + bottom) / 2
    yield f'<text x="{across:g}" y="{_SIZE - 8}" text-anchor="middle" {_QUIET}>measured, tokens/s</text>'
    turned = f'transform="rotate(-90 12 {up:g})"'
    yield f'<text x="12" y="{up:g}" text-anchor="middle" {turned} {_QUIET}>predicted, tokens/s</text>'


def _legend(engines: Sequence[str]) -> Iterator[str]:
    for place, engine in enumerate(engines):
        at = f'x="{_LEFT + 10}" y="{_TOP + 18 * (place + 1)}"'
        yield f'<text {at} font-weight="600" fill="{_colour(place)}">{escape(engine)}</text>'
