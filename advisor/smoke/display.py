"""Progress of a smoke test on standard error: a moving line on a terminal, one line a step elsewhere."""

from __future__ import annotations

import sys
import time

from advisor.edge.terminal import styled, visible
from advisor.smoke.job import Progress
from advisor.smoke.outcome import StepResult

_BAR = 20
_QUIET_S = 15.0  # without a terminal: at most one sign of life in so many seconds
_MARK = {"pass": "ok  ", "fail": "FAIL", "skipped": "-   "}


class Screen(Progress):
    """Writes to standard error and to nothing else."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._name = ""
        self._began = self._last = time.monotonic()

    def step(self, name: str) -> None:
        """Show the name at once: the step may take minutes."""
        self._name, self._began = name, time.monotonic()
        self._last = self._began
        if self._live:
            self._draw("", None)

    def note(self, text: str, share: float | None = None) -> None:
        """Move the line, or say something now and then."""
        now = time.monotonic()
        if self._live:
            if now - self._last >= 0.1:
                self._last = now
                self._draw(text, share)
        elif now - self._last >= _QUIET_S:
            self._last = now
            print(f"      {self._name}: {now - self._began:.0f} s {text}".rstrip(), file=sys.stderr, flush=True)

    def done(self, result: StepResult) -> None:
        """Replace the moving line by what came of it."""
        clear = "\r\x1b[2K" if self._live else ""
        line = f"{_MARK[result.result]}  {result.name:<16} {result.seconds:6.1f} s  {visible(result.detail)}"
        print(clear + line, file=styled(sys.stderr), flush=True)

    def _draw(self, text: str, share: float | None) -> None:
        bar = ""
        if share is not None:
            full = round(_BAR * min(max(share, 0.0), 1.0))
            bar = f"[{'#' * full}{'.' * (_BAR - full)}] "
        seconds = time.monotonic() - self._began
        line = f"...   {self._name:<16} {seconds:6.1f} s  {bar}{visible(text)}"
        print(f"\r\x1b[2K{line[:145]}", end="", file=styled(sys.stderr), flush=True)
