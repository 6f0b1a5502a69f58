"""The checklist or the smoke test of a plan on this machine: a program of its own that is watched and can be ended."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from advisor.edge.children import guarded, kill_session, released
from advisor.edge.reading import said_json
from advisor.errors import BadInput, EnvironmentFailed
from advisor.folder.write import write_tree
from advisor.schema import RenderedFile

KINDS = ("check", "smoke")
MOST_LINES = 200
_PATIENCE_S = 60.0  # for a smoke test that stops what it has started
_ADVISOR = (sys.executable, "-P", "-m", "advisor.cli")  # no folder it stands in is imported from


@dataclass
class Run:
    """One run; its lines and its state change while it goes on."""

    id: str
    kind: str
    question: str  # as in an address
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    code: int | None = None  # as the command ended; None: it goes on
    seconds: float = 0.0
    cancelled: bool = False
    report: dict[str, Any] | None = None

    @property
    def state(self) -> str:
        """`running`, `stopping`, `cancelled`, `passed`, `failed`, or `ended` where it could not be carried out."""
        if self.code is None:
            return "stopping" if self.cancelled else "running"
        if self.cancelled:
            return "cancelled"
        return {0: "passed", 1: "failed"}.get(self.code, "ended")


class Runs:
    """The runs since the page was started, one at a time; what is left of them ends with the page."""

    def __init__(self, program: Sequence[str] = _ADVISOR) -> None:
        self.ended: Callable[[], None] = lambda: None  # told once a run has ended
        self._program = tuple(program)
        self._runs: dict[str, Run] = {}
        self._starting = threading.Lock()
        self._place = tempfile.TemporaryDirectory(prefix="advisor-ui-", ignore_cleanup_errors=True)

    def find(self, name: str) -> Run | None:
        """The run of that id."""
        return self._runs.get(name)

    def start(self, kind: str, question: str, files: Sequence[RenderedFile], seconds: float) -> Run:
        """Write the folder to a place of its own and run the command there.

        Args:
            kind: one of `KINDS`.
            question: as in an address.
            files: of the plan.
            seconds: for each load of a smoke test.

        Raises:
            BadInput: no such kind, or another run goes on.
            EnvironmentFailed: it cannot be started.
        """
        if kind not in KINDS:
            raise BadInput(f"kind: there are {' and '.join(KINDS)}")
        if os.name != "posix":
            raise EnvironmentFailed("the checklist and the smoke test need Linux or macOS")
        with self._starting:
            if any(run.code is None for run in self._runs.values()):
                raise BadInput("kind: another run goes on; it ends or is cancelled first")
            name = secrets.token_hex(8)
            folder = Path(self._place.name) / name
            write_tree(folder, files, overwrite=False)
            more = ["--seconds", f"{seconds:g}"] if kind == "smoke" else []
            run = Run(name, kind, question, _begun([*self._program, kind, str(folder), "--json", *more]))
            self._runs[name] = run
        threading.Thread(target=self._watch, args=(run,), daemon=True).start()
        return run

    def _watch(self, run: Run) -> None:
        _until_its_end(run)
        self.ended()

    def cancel(self, run: Run) -> None:
        """End it the way Ctrl-C does, so that it stops what it has started; by force where it does not."""
        if run.code is not None or run.cancelled:
            return
        run.cancelled = True
        _interrupt(run.process)
        timer = threading.Timer(_PATIENCE_S, _by_force, [run])
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """Cancel what goes on and wait for it; nothing is left on the disk."""
        for run in self._runs.values():
            self.cancel(run)
        for run in self._runs.values():
            until = time.monotonic() + _PATIENCE_S
            while run.code is None and time.monotonic() < until:
                time.sleep(0.05)
        self._place.cleanup()


def _begun(words: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return guarded(words, out=subprocess.PIPE, err=subprocess.PIPE)
    except OSError as error:
        raise EnvironmentFailed(f"the run cannot be started ({error.strerror})") from None


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)


def _by_force(run: Run) -> None:
    if run.code is None:
        kill_session(run.process.pid)


def _until_its_end(run: Run) -> None:
    """Take in what it says until it has ended."""
    said = threading.Thread(target=_read, args=(run.process.stderr, run.lines.append), daemon=True)
    said.start()
    out = run.process.stdout.read() if run.process.stdout else b""
    code = run.process.wait()
    said.join(timeout=5)
    kill_session(run.process.pid)
    released(run.process.pid)
    run.report = said_json(out)
    if run.report is None:
        run.lines.extend(out.decode(errors="replace").splitlines())
    run.seconds = time.monotonic() - run.began
    run.code = code


def _read(pipe: IO[bytes] | None, add: Callable[[str], None]) -> None:
    for line in pipe or ():
        text = line.decode(errors="replace").rstrip()
        if text:
            add(text)
