"""`catalog/data/sources.d/speed.yaml`: who measured what the constants rest on."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

HEAD = "# Written by `python -m advisor.calibrate`, from the columns of the measurements.\n"
OWN = """\
speed-fit:
  title: Constants of the speed model, fitted to published measurements
  url: package://catalog/data/speed_fit.yaml
  licence: Apache-2.0
  note: Fitted to the sources speed-... of this file; the errors on sources that were left out stand in the report.
speed-physics:
  title: Speed model without measurements of this kind of card or format
  url: package://physics/speed/step.py
  licence: Apache-2.0
  note: Bytes over bandwidth and FLOPs over peak, with the efficiencies of related cards.
"""


def document(*paths: Path) -> str:
    """The text: the two keys of figures, then one entry a source of measurements.

    Figures were taken, no rows are shipped: several sources state no licence.
    """
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                groups[row["group"]].append(row)
    return HEAD + OWN + "".join(_entry(group, rows) for group, rows in sorted(groups.items()))


def _entry(group: str, rows: list[dict[str, str]]) -> str:
    def usual(column: str) -> str:
        return Counter(row[column] for row in rows).most_common(1)[0][0]

    dates = sorted(row["date"] for row in rows if row["date"])
    address = usual("source_url") if "://" in usual("source_url") else ""
    span = f", {dates[0]} to {dates[-1]}" if dates else ""
    span += "" if address else "; no address is known"
    return (
        f"speed-{group}:\n  title: {_quoted(usual('source_title'))}\n  url: {_quoted(address)}\n"
        f"  licence: {_quoted(usual('licence') or 'none stated')}\n  note: {len(rows)} measurements{span}\n"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
