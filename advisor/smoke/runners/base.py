"""What a runner offers, and what both have in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Protocol

from advisor.edge.reading import MOST_BYTES, opened
from advisor.errors import BadInput

State = Literal["fetching", "starting", "ready", "failed"]
SPARE_S = 60.0  # beyond what the deployment's own stop may take


class Runner(Protocol):
    """One way to run a deployment folder. `end` may be called at any moment, and more than once."""

    name: str
    begins: str  # what was begun, once `start` has returned
    poll_s: float  # between two looks at a start: what a look costs is taken from the engine

    def problems(self) -> list[str]:
        """What stands in the way of a start here."""
        ...

    def recover(self) -> bool:
        """End what a run of this folder left that was killed; whether anything was."""
        ...

    def start(self) -> None:
        """Begin to start; returns at once."""
        ...

    def state(self) -> State:
        """How far the start has come; what is fetched first takes none of the engine's patience."""
        ...

    def alive(self) -> bool:
        """Whether the engine, once started, still runs."""
        ...

    def log(self) -> str:
        """What engine and starter have printed so far."""
        ...

    def stop(self) -> None:
        """Stop as the deployment's own instructions say, and wait for it."""
        ...

    def leftovers(self) -> list[str]:
        """What is left of what was started."""
        ...

    def end(self) -> None:
        """Make sure that nothing is left."""
        ...

    def memory_bytes(self) -> int | None:
        """What all of it holds of the host's memory now."""
        ...

    def cpu_seconds(self) -> float | None:
        """Processor time that all of it has used so far."""
        ...


def read_text(path: Path) -> str:
    """A file that may not be there yet, "" then; of a long one the beginning and the end."""
    try:
        with opened(path) as file:
            start = file.read(MOST_BYTES)
            file.seek(max(file.tell(), file.seek(0, os.SEEK_END) - MOST_BYTES))
            return (start + file.read(MOST_BYTES)).decode(errors="replace")
    except BadInput:
        return ""
