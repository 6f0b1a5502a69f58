"""Whether what a folder's run.sh started still runs: its stop.sh, which alone can end it, is not written over then."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from advisor.edge.reading import read_text
from advisor.errors import BadInput

# state/NAME.pid and state/NAME.started, as run.sh writes them; several engines have numbers.
_SERVER = re.compile(r"(engine|gateway|keys|canary)(-\d{1,3})?")
_MOST_FILES, _MOST_BYTES, _PATIENCE_S = 1000, 4096, 10.0


def refuse_while_running(folder: Path) -> None:
    """Do nothing where nothing runs.

    Raises:
        BadInput: a process that run.sh of this folder started still runs.
    """
    for name in _written(folder / "state"):
        number = running(folder / "state", name)
        if number is not None:
            raise BadInput(
                f"{folder}: the {name} that its run.sh started still runs (process {number}), and only this folder's "
                f"stop.sh can end it. Nothing was written: run {folder}/stop.sh first, or choose another with --out"
            )


def _written(state: Path) -> list[str]:
    """What run.sh wrote a number for."""
    names = (file.stem for file in islice(state.glob("*.pid"), _MOST_FILES))
    return sorted(name for name in names if _SERVER.fullmatch(name))


def running(state: Path, name: str) -> int | None:
    """The process of that name; None where it ended, or its number belongs to another program by now."""
    from advisor.edge.children import run  # most folders hold nothing that was started

    try:
        number = int(read_text(state / f"{name}.pid", most=_MOST_BYTES))
        begun = read_text(state / f"{name}.started", most=_MOST_BYTES).strip()
        words = ["ps", "-o", "lstart=", "-p", str(number)]
        seen = run(words, limit_s=_PATIENCE_S, env={**os.environ, "LC_ALL": "C"}).out.strip()
    except (BadInput, OSError, ValueError):
        return None
    return number if seen and seen == begun else None
