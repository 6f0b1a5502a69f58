"""Whether what a folder's run.sh started still runs: its stop.sh, which alone can end it, is not written over then."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from advisor.errors import BadInput


def refuse_while_running(folder: Path) -> None:
    """Do nothing where nothing runs.

    Raises:
        BadInput: a process that run.sh of this folder started still runs.
    """
    for file in sorted((folder / "state").glob("*.pid")):
        name = file.stem  # run.sh writes NAME.pid and NAME.started
        number = _running(file.parent, name)
        if number is not None:
            raise BadInput(
                f"{folder}: the {name} that its run.sh started still runs (process {number}), and only this folder's "
                f"stop.sh can end it. Nothing was written: run {folder}/stop.sh first, or choose another with --out"
            )


def _running(state: Path, name: str) -> int | None:
    """The process of that name; None where it ended, or its number belongs to another program by now."""
    try:
        number = int((state / f"{name}.pid").read_text())
        begun = (state / f"{name}.started").read_text().strip()
        seen = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(number)],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout.strip()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return number if seen and seen == begun else None
