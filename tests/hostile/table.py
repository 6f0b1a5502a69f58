"""The table of what was tried on this program: written by the tests that try it, and never with anything but zeros."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from advisor.folder.lock import locked

FILE = Path(__file__).parent / "TABLE.md"
KINDS = ("tracebacks", "over 2 s", "over 500 MB", "executed", "lost files", "left processes")
HEAD = f"""# What was tried

Written by `pytest tests/hostile --update-golden`, compared by every other run; a fault fails the test that found it.
Seeds count from 0. `.ci/nightly` tries more: 100,000 inputs a reader, all strings one at a time, 200 cycles, other examples.

| what | tried | {" | ".join(KINDS)} |
|---|---:|{"---:|" * len(KINDS)}
"""


def row(what: str, tried: str, **found: int) -> str:
    """One line; what a trial cannot cause is left empty."""
    cells = [str(found[kind]) if (kind := name.replace(" ", "_")) in found else "" for name in KINDS]
    return f"| {what} | {tried} | {' | '.join(cells)} |"


def hold(line: str, *, update: bool) -> None:
    """Write the line into the table, or require that it stands there."""
    if not update:
        assert line in _lines(), f"{FILE.name} says otherwise: {line}"
        return
    with locked(FILE.parent):
        kept = [one for one in _lines() if one.split("|")[1] != line.split("|")[1]]
        FILE.write_text(HEAD + "\n".join(sorted({*kept, line})) + "\n", encoding="utf-8")


def offspring(folder: Path) -> set[int]:
    """Living processes that this one began, or that work in a folder."""
    found = set[int]()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            ours = int(parent) == os.getpid() or (entry / "cwd").resolve().is_relative_to(folder)
            found |= {int(entry.name)} if ours and state not in "ZX" else set()
    return found


def _lines() -> list[str]:
    """The lines of the table that is there."""
    return FILE.read_text(encoding="utf-8").removeprefix(HEAD).splitlines() if FILE.exists() else []
