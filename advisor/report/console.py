"""One way to print for every command: no colour when piped, no blanks at the ends of lines, no word cut in two."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from advisor.edge.terminal import styled, visible
from advisor.report.screen import screen


class _Visible(Console):
    """Text is made visible before its own colours go around it."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


def console() -> Console:
    """A console on standard output as wide as the screen; a pipe gets plain text."""
    piped = not sys.stdout.isatty()
    file = styled(sys.stdout)
    return _Visible(file=file, width=screen().columns, no_color=piped or None, highlight=False)


def show(parts: Iterable[RenderableType]) -> None:
    """Print the parts to standard output; a line that was laid out is left as it is."""
    shown = console()
    with shown.capture() as captured:
        for part in parts:
            shown.print(part, soft_wrap=True)
    for line in captured.get().splitlines():
        shown.file.write(line.rstrip() + "\n")
