"""VALIDATION.md: how well the model predicts sources it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from advisor.catalog.refresh.calibrate.rows import Row
from advisor.catalog.refresh.calibrate.validate import Error


def document(
    rows: Sequence[Row], refused: Mapping[str, str], errors: Sequence[Error], values: Mapping[str, Mapping[str, float]]
) -> str:
    """The text of the report."""
    return f"{len(rows)} rows, {len(refused)} not predicted, {len(errors)} judged, {len(values)} engines\n"
