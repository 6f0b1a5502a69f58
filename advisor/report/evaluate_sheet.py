"""Measurements beside predictions, as the sections of a page: the dots, and the errors by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from advisor.evaluate import Compared, Summary
from advisor.report.scatter import Dot, scatter_svg


def evaluate_sheet(compared: Sequence[Compared], tables: Mapping[str, Sequence[Summary]], file: str) -> dict[str, Any]:
    """The sections by name, for the template; `file` is what the measurements were read from."""
    dots = list(_dots(compared))
    return {
        "title": f"Measured against predicted: {file}",
        "rows": len(compared),
        "plot": Markup(scatter_svg(dots)) if dots else "",  # noqa: S704 - our own drawing, whose texts are escaped
        "tables": [(name, [_cells(row) for row in rows]) for name, rows in tables.items()],
    }


def _dots(compared: Sequence[Compared]) -> Iterator[Dot]:
    """Where a rate was measured and is predicted."""
    for one in compared:
        seen, said = one.measured.output_tok_s, one.predicted.output_tok_s
        if seen and said:
            yield Dot(one.measured.request["engine"].split(" (")[0], seen, said, _told(one, seen, said))


def _told(one: Compared, seen: float, said: float) -> str:
    asked = one.measured.request
    what = f"{asked['id']}: {asked['model']} {asked['quantization']} on {asked['gpu_count'] or 1} x {asked['gpu']}"
    return f"{what}, measured {seen:.4g}, predicted {said:.4g} tokens/s"


def _cells(row: Summary) -> tuple[str, ...]:
    inside = "-" if row.inside is None else f"{row.inside:.0%}"
    return row.name, f"{row.rows:,}", f"{row.absolute:.0%}", f"{row.signed:+.0%}", inside
