"""The catalogue made anew from its sources, and a bundle of it, with a report of what changed.

Run: `python -m advisor.refresh [--date 2026-11-28] [--out catalog.zip]`. It reads the tables in advisor/refresh/sources
and the hand-kept files in advisor/catalog/data; where anything changed, the bundle gets a new version.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from advisor.bundles.archive import pack
from advisor.bundles.contents import LISTS
from advisor.catalog.bundle import FACTS, MANIFEST, SCHEMA
from advisor.refresh.table import DATA, SOURCES, write

# In the order in which each reads what those before it wrote; a program of its own each, as the loaders remember.
PROGRAMS: tuple[tuple[str, ...], ...] = (
    ("gpus", str(SOURCES)), ("more_gpus", str(SOURCES)), ("models", str(SOURCES)), ("hub_sizes", str(SOURCES)),
    ("extra",), ("hub", str(SOURCES)), ("copies", str(SOURCES)), ("serving", str(SOURCES)), ("ranking",),
)  # fmt: skip
Facts = Mapping[str, bytes]


def facts() -> Facts:
    """Every file of a bundle as it lies there now."""
    return {name: (DATA / name).read_bytes() for name in FACTS}


def changes(before: Facts, after: Facts) -> Iterator[str]:
    """What changed, a line an entry."""
    for name in FACTS:
        if before[name] == after[name]:
            continue
        if name not in LISTS:
            yield f"{name}: changed"
            continue
        key, _, own = LISTS[name]
        yield from (f"{name}: {line}" for line in _entries(*(_by_name(one[name], key, own) for one in (before, after))))


def _by_name(content: bytes, key: str, own: str) -> dict[str, dict[str, Any]]:
    def name(entry: dict[str, Any]) -> str:
        return str(entry[own]) if own else f"{entry['hf_id']} ({entry['task']})"

    return {name(entry): entry for entry in json.loads(content)[key]}


def _entries(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from (f"added {name}" for name in sorted(after.keys() - before.keys()))
    yield from (f"removed {name}" for name in sorted(before.keys() - after.keys()))
    for name in sorted(after.keys() & before.keys()):
        old, new = before[name], after[name]
        keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        if keys:
            told = ", ".join(f"{key} {json.dumps(old.get(key))} -> {json.dumps(new.get(key))}" for key in keys)
            yield f"changed {name}: {told}"


def next_version(now: str, day: datetime.date) -> str:
    """`"2026.11.28"` on another day is that day's, on the same one `"2026.11.28.1"`."""
    wanted = f"{day.year}.{day.month:02}.{day.day:02}"
    if not now.startswith(wanted):
        return wanted
    last = now.removeprefix(wanted).removeprefix(".")
    return f"{wanted}.{int(last or 0) + 1}"


def main() -> None:
    """Run the programs, tell what changed, keep the version and pack the bundle."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    parser.add_argument("--date", type=datetime.date.fromisoformat, default=today, help="of a changed bundle")
    parser.add_argument("--out", type=Path, help="where to put the bundle; none is written without it")
    parser.add_argument("--release", action="store_true", help="a new version even where no file changes now")
    asked = parser.parse_args()
    before = facts()
    for program, *given in PROGRAMS:
        subprocess.run([sys.executable, "-m", f"advisor.refresh.{program}", *given], check=True)
    after = facts()
    told = list(changes(before, after))
    manifest = json.loads((DATA / MANIFEST).read_text(encoding="utf-8"))
    if told or asked.release:
        version = next_version(manifest["version"], asked.date)
        manifest = {"schema": SCHEMA, "version": version, "date": asked.date.isoformat()}
        write(MANIFEST, json.dumps(manifest) + "\n")
    print("\n".join([*told, f"{len(told)} changes; bundle {manifest['version']} of {manifest['date']}"]))
    if asked.out:
        asked.out.write_bytes(pack(manifest["version"], manifest["date"], after))
        print(f"written: {asked.out}")


if __name__ == "__main__":
    main()
