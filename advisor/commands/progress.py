"""What goes on, on standard error, for anything that takes more than two seconds; silence for what is quick."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE_S = 2.0


@contextmanager
def patient() -> Iterator[Callable[[str], None]]:
    """Yield a function that is told each step; the current step is printed once it has taken two seconds."""
    current = [""]
    printed = [""]
    done = threading.Event()
    started = time.monotonic()

    def watch() -> None:
        while not done.wait(0.25):
            if time.monotonic() - started >= _PATIENCE_S and current[0] != printed[0]:
                printed[0] = current[0]
                print(f"advisor: {current[0]} ...", file=sys.stderr, flush=True)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda step: current.__setitem__(0, step)
    finally:
        done.set()
        thread.join()
