"""One self-contained page: measured against predicted on two logarithmic axes, and the errors as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from advisor.evaluate import Compared, Summary

SIZE, MARGIN = 640, 56
COLOURS = ("#0b6e99", "#c05621", "#2f855a", "#6b46c1", "#b83280", "#975a16")
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1a202c}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.2rem .8rem;border-bottom:1px solid #e2e8f0;"
    "text-align:right}td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"
)


def page(compared: Sequence[Compared], tables: Mapping[str, Sequence[Summary]], title: str) -> str:
    """HTML text."""
    parts = [f"<h2>{escape(name)}</h2>{_table(rows)}" for name, rows in tables.items()]
    return (
        "<!doctype html><!-- by advisor evaluate -->\n<html lang='en'><head><meta charset='utf-8'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        "<p>Each dot is one measurement of the output rate. On the line, predicted equals measured; between the thin "
        f"lines it is within 25 %.</p>{scatter(compared)}{''.join(parts)}</body></html>\n"
    )


def scatter(compared: Sequence[Compared]) -> str:
    """Measured (across) against predicted (up), in tokens/s; one colour an engine."""
    dots = [
        (one.measured.request["engine"].split(" (")[0], one.measured.output_tok_s, one.predicted.output_tok_s, one)
        for one in compared
        if one.measured.output_tok_s and one.predicted.output_tok_s
    ]
    if not dots:
        return "<p>No row has both a measured and a predicted output rate.</p>"
    values = [value for _, seen, said, _ in dots for value in (seen, said)]
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)) + 1e-9)

    def place(value: float) -> float:
        return MARGIN + (math.log10(value) - low) / (high - low) * (SIZE - 2 * MARGIN)

    engines = sorted({engine for engine, *_ in dots})
    marks = [
        f"<circle cx='{place(seen):.1f}' cy='{SIZE - place(said):.1f}' r='3' fill='{_colour(engines, engine)}' "
        f"fill-opacity='.5'><title>{escape(_label(one))}</title></circle>"
        for engine, seen, said, one in dots
    ]
    lines = [_line(place, low, high, factor) for factor in (1.0, 1.25, 0.8)]
    legend = [
        f"<text x='{MARGIN + 8}' y='{MARGIN + 18 * n + 6}' fill='{_colour(engines, engine)}'>{escape(engine)}</text>"
        for n, engine in enumerate(engines)
    ]
    return (
        f"<svg viewBox='0 0 {SIZE} {SIZE}' width='{SIZE}' height='{SIZE}' font-size='13' role='img' "
        f"aria-label='measured against predicted output rate'>{_axes(place, low, high)}{''.join(lines)}"
        f"{''.join(marks)}{''.join(legend)}</svg>"
    )


def _colour(engines: Sequence[str], engine: str) -> str:
    return COLOURS[engines.index(engine) % len(COLOURS)]


def _label(one: Compared) -> str:
    request = one.measured.request
    return (
        f"{request['id']}: {request['model']} {request['quantization']} on "
        f"{request['gpu_count'] or 1} x {request['gpu']}, "
        f"measured {one.measured.output_tok_s:.4g}, predicted {one.predicted.output_tok_s:.4g} tokens/s"
    )


def _line(place: object, low: int, high: int, factor: float) -> str:
    assert callable(place)  # noqa: S101 - for the type checker
    start, end = 10.0**low * max(1.0, 1 / factor), 10.0**high * min(1.0, 1 / factor)
    width = 1.2 if factor == 1.0 else 0.5
    return (
        f"<line x1='{place(start):.1f}' y1='{SIZE - place(start * factor):.1f}' x2='{place(end):.1f}' "
        f"y2='{SIZE - place(end * factor):.1f}' stroke='#4a5568' stroke-width='{width}'/>"
    )


def _axes(place: object, low: int, high: int) -> str:
    assert callable(place)  # noqa: S101 - for the type checker
    parts = []
    for power in range(low, high + 1):
        at, text = place(10.0**power), f"{10.0**power:,g}"
        parts.append(
            f"<line x1='{at:.1f}' y1='{MARGIN}' x2='{at:.1f}' y2='{SIZE - MARGIN}' stroke='#e2e8f0'/>"
            f"<line x1='{MARGIN}' y1='{SIZE - at:.1f}' x2='{SIZE - MARGIN}' y2='{SIZE - at:.1f}' stroke='#e2e8f0'/>"
            f"<text x='{at:.1f}' y='{SIZE - MARGIN + 18}' text-anchor='middle'>{text}</text>"
            f"<text x='{MARGIN - 6}' y='{SIZE - at + 4:.1f}' text-anchor='end'>{text}</text>"
        )
    middle = SIZE / 2
    return (
        "".join(parts)
        + f"<text x='{middle}' y='{SIZE - 8}' text-anchor='middle'>measured, tokens/s</text>"
        + f"<text x='14' y='{middle}' text-anchor='middle' transform='rotate(-90 14 {middle})'>"
        + "predicted, tokens/s</text>"
    )


def _table(rows: Sequence[Summary]) -> str:
    head = "<tr><th></th><th>rows</th><th>median error</th><th>median signed</th><th>in range</th></tr>"
    body = "".join(
        f"<tr><td>{escape(row.name)}</td><td>{row.rows}</td><td>{row.absolute:.0%}</td><td>{row.signed:+.0%}</td>"
        f"<td>{'' if row.inside is None else f'{row.inside:.0%}'}</td></tr>"
        for row in rows
    )
    return f"<table>{head}{body}</table>"
