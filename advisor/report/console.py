"""One way to print for every command: no colour when piped, no blanks at the ends of lines, safe at any width."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from advisor.edge.terminal import styled, visible

_PIPED_WIDTH = 110


class _Visible(Console):
    """Text is made visible before its own colours go around it."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


def console(piped_width: int | None = _PIPED_WIDTH) -> Console:
    """A console on standard output; a pipe gets a fixed width (None: that of COLUMNS) and plain text."""
    piped = not sys.stdout.isatty()
    file = styled(sys.stdout)
    return _Visible(file=file, width=piped_width if piped else None, no_color=piped or None, highlight=False)


def show(parts: Iterable[RenderableType]) -> None:
    """Print the parts to standard output."""
    shown = console()
    with shown.capture() as captured:
        for part in parts:
            shown.print(part)
    for line in captured.get().splitlines():
        shown.file.write(line.rstrip() + "\n")
