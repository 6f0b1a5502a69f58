"""The console of a terminal: the only module that needs all of rich."""

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
