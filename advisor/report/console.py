"""One way to print for every command: no colour when piped, no blanks at the ends of lines, safe at any width."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console, RenderableType

_PIPED_WIDTH = 110


def show(parts: Iterable[RenderableType]) -> None:
    """Print the parts to standard output; a pipe gets a fixed width and plain text."""
    piped = not sys.stdout.isatty()
    console = Console(width=_PIPED_WIDTH if piped else None, no_color=piped or None, highlight=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")
