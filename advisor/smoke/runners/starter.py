"""The program that starts a deployment (run.sh, `docker compose up`), watched and ended with all that it began."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from advisor.edge.children import guarded, released
from advisor.smoke.runners import processes
from advisor.smoke.runners.base import State, read_text
from advisor.smoke.runners.processes import Process
from advisor.smoke.runners.record import end_remembered, forget, place, remember


class Starter:
    """One program after another, in sessions of their own: what they start is found again, and no Ctrl-C reaches it."""

    def __init__(self, folder: Path, out: Path) -> None:
        self._folder = folder
        self._out = out
        self._program: subprocess.Popen[bytes] | None = None
        self._then: list[Sequence[str]] = []
        self._written: Mapping[int, str] = {}  # processes that are written down

    @property
    def begun(self) -> bool:
        """Whether anything was started."""
        return self._program is not None

    @property
    def session(self) -> int | None:
        """The session of the program that was started last."""
        return self._program.pid if self._program else None

    def begin(self, *programs: Sequence[str]) -> None:
        """Start the first in the background; each of the others when the one before has ended well.

        Raises:
            OSError: the program cannot be started.
        """
        self._out.parent.mkdir(parents=True, exist_ok=True)
        self._out.write_bytes(b"")
        first, *self._then = programs
        self._run(first)

    def state(self) -> State:
        """ "fetching" until the last program runs, then "starting"; how it ended says the rest."""
        code = self._program.poll() if self._program else 1
        self._remember()
        if code == 0 and self._then:
            self._run(self._then.pop(0))
            code = None
        if code is None:
            return "fetching" if self._then else "starting"
        return "ready" if code == 0 else "failed"

    def said(self) -> str:
        """What the programs printed."""
        return read_text(self._out)

    def processes(self) -> list[Process]:
        """What lives of the session."""
        if self._program is None:
            return []
        self._program.poll()
        return processes.of_session(self._program.pid)

    def interrupt(self, patience_s: float) -> None:
        """TERM to a program that has not ended: it stops what it began."""
        self._then.clear()
        if self._program is not None and self._program.poll() is None:
            self._program.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._program.wait(timeout=patience_s)

    def recover(self) -> bool:
        """End what a killed run left here; whether anything was.

        Raises:
            EnvironmentFailed: that run was not killed: it still goes on.
        """
        return end_remembered(place(self._folder))

    def end(self, patience_s: float = 10.0) -> None:
        """Nothing of the session lives afterwards."""
        if self._program is not None and not processes.end_session(self._program.pid, patience_s):
            self._program.poll()
            released(self._program.pid)
            forget(place(self._folder))

    def _run(self, words: Sequence[str]) -> None:
        with self._out.open("ab") as out:
            self._program = guarded(words, cwd=self._folder, out=out, err=subprocess.STDOUT)
        self._written = {}
        self._remember()

    def _remember(self) -> None:
        if self._program is not None:
            self._written = remember(place(self._folder), self._program.pid, self._written)
