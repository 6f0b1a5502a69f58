"""What the refresh programs share: the folder they are given, a CSV table read, one JSON entry a line written."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "catalog" / "data"
SOURCES = Path(__file__).resolve().parent / "sources"  # the tables of this repository

Row = Mapping[str, str]


def asked_folder(purpose: str | None) -> Path:
    """The folder of tables that the command line names; without one the program ends and says where they lie."""
    parser = argparse.ArgumentParser(description=purpose, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help=f"of the tables; this repository's: {SOURCES}")
    folder: Path = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"{folder}: no such folder; the tables of this repository lie in {SOURCES}")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    """Every row of a CSV file as text; an empty cell is an empty string, which means not known."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def number(text: str) -> float | None:
    """`"1008.4"` → `1008.4`, `""` → None, `"55 (default)"` → `55.0`, `"40-130"` → `130.0` (the upper end)."""
    words = text.split()
    return float(words[0].split("-")[-1]) if words else None


def integer(text: str) -> int | None:
    """`"32"` → `32`, `""` → None."""
    return int(text) if text else None


def without_defaults(cls: type, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the keys whose value is the default of the entry class, so that files stay small.

    Raises:
        KeyError: the entry holds a key that the class does not know.
    """
    known = {f.name: f for f in fields(cls)}
    kept = {}
    for key, value in entry.items():
        default = known[key].default
        factory = known[key].default_factory
        if factory is not MISSING:
            default = factory()
        if default is MISSING or value != default:
            kept[key] = value
    return kept


def document(kind: str, script: str, origin: str, entries: Iterable[Mapping[str, Any]]) -> str:
    """A JSON file with a head that says what made it, and one entry a line."""
    head = {"generated_by": f"python -m advisor.refresh.{script}", "from": origin}
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return json.dumps(head, ensure_ascii=False)[:-1] + f', "{kind}": [\n{lines}\n]}}\n'


def write(name: str, text: str) -> None:
    """Put a data file beside the others."""
    (DATA / name).write_text(text, encoding="utf-8")
