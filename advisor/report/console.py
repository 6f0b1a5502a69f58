"""One console for every command: no colour when piped, never narrower than the words need."""

from __future__ import annotations

import sys

from rich.console import Console

_PIPED_WIDTH = 110


def console() -> Console:
    """Standard output as rich prints to it; a pipe gets a fixed width and plain text."""
    piped = not sys.stdout.isatty()
    return Console(width=_PIPED_WIDTH if piped else None, no_color=piped or None, highlight=False, soft_wrap=False)
