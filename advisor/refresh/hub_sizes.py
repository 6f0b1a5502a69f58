"""hub_sizes.csv → data/hub_sizes.json: what repositories store. Run: `python -m advisor.refresh.hub_sizes FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from advisor.catalog.entries import HubSize
from advisor.refresh.table import Row, asked_folder, document, rows, without_defaults, write

ORIGIN = "advisor/refresh/sources/hub_sizes.csv (figures to 2026-10-08), see README.md there"
MOST_ROUNDED = 0.025  # half a unit of a figure of two digits
WHOLE = 10**6  # a byte count that is no multiple of it was not rounded
GIB_PER_GB = 2**30 / 10**9  # a unit that its source leaves open
COUNTED = 0.01  # of a size that follows from the Hub's two counts of an NVFP4 repository


def bounds(row: Row) -> tuple[int, int]:
    """Lowest and highest size that a row stands for, in bytes."""
    kind, stated = row["stored_kind"], round(float(row["stored_bytes"] or 0))
    if kind == "counted":
        return round(float(row["bytes_low"]) * (1 - COUNTED)), round(float(row["bytes_high"]) * (1 + COUNTED))
    if kind == "exact" or stated % WHOLE:
        return stated, stated
    highest = stated * GIB_PER_GB if kind == "unsure" else stated
    open_share = rounding(stated)
    return round(stated * (1 - open_share)), round(highest * (1 + open_share))


def rounding(stated: int) -> float:
    """Share by which a rounded figure may be off: half a unit of its last digit that is not zero."""
    unit = 1
    while stated % (10 * unit) == 0:
        unit *= 10
    return min(unit / 2 / stated, MOST_ROUNDED)


def entry(row: Row) -> dict[str, Any]:
    """One repository as an entry without default values."""
    low, high = bounds(row)
    kind = "exact" if low == high else "counted" if row["stored_kind"] == "counted" else "stated"
    found = {
        "repo": row["repo"],
        "low_bytes": low,
        "high_bytes": high,
        "kind": kind,
        "parameters": round(float(row["params_total"])) if row["params_total"] else None,
        "read_in": row["source"],
    }
    return without_defaults(HubSize, found)


def generate(folder: Path) -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    table = sorted(rows(folder / "hub_sizes.csv"), key=lambda row: row["repo"].lower())
    return {"hub_sizes.json": document("hub_sizes", "hub_sizes", ORIGIN, [entry(row) for row in table])}


if __name__ == "__main__":
    for name, text in generate(asked_folder(__doc__)).items():
        write(name, text)
