"""One writer at a time: a lock on a folder itself, which leaves no file and ends with the process that holds it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from advisor.errors import EnvironmentFailed

HAS_LOCKS = importlib.util.find_spec("fcntl") is not None  # without them every file is still written whole
PATIENCE_S, STEP_S = 30.0, 0.05


@contextlib.contextmanager
def locked(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[bool]:
    """Wait until no other run writes here; yields whether there is a lock (not every file system has one).

    Raises:
        EnvironmentFailed: another run has not ended after `patience_s`.
    """
    descriptor = _opened(folder)
    if descriptor is None:
        yield False
        return
    try:
        yield _taken(descriptor, folder, patience_s)
    finally:
        os.close(descriptor)  # and the lock with it


def _opened(folder: Path) -> int | None:
    if not HAS_LOCKS:
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # a folder that may be entered but not listed
        return None


def _taken(descriptor: int, folder: Path, patience_s: float) -> bool:
    import fcntl

    end, said = time.monotonic() + patience_s, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise EnvironmentFailed(f"{folder}: another run of advisor writes here and does not end") from None
        except OSError:  # a file system without locks
            return False
        else:
            return True
        if not said:
            print(f"advisor: waiting for another run that writes in {folder} ...", file=sys.stderr, flush=True)
            said = True
        time.sleep(STEP_S)
