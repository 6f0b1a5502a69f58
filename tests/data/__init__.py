"""Tables and lists that tests read; README.md says where each comes from."""

from __future__ import annotations

from pathlib import Path

from advisor.refresh import table

DATA = Path(__file__).parent
CRDS = DATA / "crds"


def rows(name: str) -> list[dict[str, str]]:
    """Every row of a table of this folder."""
    return table.rows(DATA / name)


def measured_names(column: str) -> dict[str, int]:
    """Names that published measurements have in a column, as written there, and in how many rows each."""
    return {row["name"]: int(row["rows"]) for row in rows("measured_names.csv") if row["column"] == column}
