"""What a smoke test started, written down in its folder: what a killed run left is ended by the next one.

A session is ended only where a process of it still lives that was written down with its number and its start: numbers
are given again, and what somebody else started is left alone. As long as the run that wrote it lives, it is in use.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.edge.children import members
from advisor.edge.reading import read_json
from advisor.errors import BadInput, EnvironmentFailed
from advisor.folder.atomic import sweep
from advisor.folder.write import write_atomically
from advisor.smoke.runners.processes import end_session, starts
from advisor.units import whole

MOST = 4096  # processes of one session
FOLDER, NAME = "smoke", "session.json"


def place(folder: Path) -> Path:
    """Where the record of a deployment folder lies."""
    return folder / FOLDER / NAME


def remember(file: Path, session: int, written: Mapping[int, str]) -> Mapping[int, str]:
    """Write a session down with every process of it and its start, unless that is what is `written`; what is now."""
    pids = members(session)[:MOST]
    if set(pids) <= set(written):
        return written
    found = {**written, **starts(pids)}
    me = os.getpid()
    data = {"owner": {str(me): starts([me]).get(me)}, "session": session, "processes": found}
    write_atomically(file, json.dumps(data, indent=1) + "\n", overwrite=True)
    return found


def forget(file: Path) -> None:
    """Nothing of it is left."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def end_remembered(file: Path) -> bool:
    """End what a killed run left of its session; whether anything was.

    Raises:
        EnvironmentFailed: the run that wrote the record still lives.
    """
    found = _read(file)
    owner = _living(found.get("owner"))
    if owner and owner != [os.getpid()]:
        raise EnvironmentFailed(f"another smoke test of this folder runs (process {owner[0]}): wait for its end")
    session: Any = found.get("session")
    living = set(_living(found.get("processes")))
    left = type(session) is int and bool(living) and not living.isdisjoint(members(session))
    if left:
        end_session(session)
    forget(file)
    for written in (NAME, "report.*"):
        sweep(file.parent, written, older_s=-1)  # nobody writes there now: it was killed while it wrote them
    return left


def _living(known: object) -> list[int]:
    """Which of these processes live, and began when it says."""
    pairs = known.items() if isinstance(known, dict) and len(known) <= MOST else ()
    noted = {number: began for pid, began in pairs if (number := whole(pid)) is not None and number < 10**9}
    now = starts(noted)
    return [pid for pid, began in noted.items() if began and now.get(pid) == began]


def _read(file: Path) -> Mapping[str, Any]:
    """The record; one that cannot be understood counts as none."""
    try:
        found = read_json(file)
    except BadInput:
        return {}
    return found if isinstance(found, dict) else {}
