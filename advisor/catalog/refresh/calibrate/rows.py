"""benchmarks.csv as requests to `advisor predict`, each with what was measured."""

from __future__ import annotations

from pathlib import Path

from advisor.evaluate import DECODE_ONLY, Measurement, read_measurements

Row = Measurement

# Server settings that a source states outside the schema's columns: flat from 8 in flight on (data/README.md).
KNOWN_SLOTS = {("4x3090", "llama.cpp"): "8"}


def read(path: Path) -> list[Row]:
    """Every row of benchmarks.csv, in order."""
    return [_with_slots(row) for row in read_measurements(path)]


def _with_slots(row: Row) -> Row:
    known = KNOWN_SLOTS.get((row.group, row.request["engine"]))
    return row._replace(request={**row.request, "slots": known}) if known else row


def decode_only(row: Row) -> bool:
    """The printed rate leaves the prefill out although the run had one."""
    return row.littles is not None and row.littles < DECODE_ONLY


def throttled(row: Row) -> bool:
    """The cards ran below the power they are sold with, so they are not the cards of the catalogue."""
    return "power limit" in row.notes


def length_share(row: Row) -> float:
    """Mean request over the stated one: lengths drawn evenly from 80 to 100 % of it average 90 %."""
    return 0.9 if "random-range-ratio 0.8" in row.notes else 1.0
