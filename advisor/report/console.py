"""One way to print for every command: no colour when piped, no blanks at the ends of lines, no word cut in two."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from advisor.edge.terminal import visible

if TYPE_CHECKING:
    from rich.console import RenderableType


def show(parts: Iterable[RenderableType]) -> None:
    """Print the parts to standard output; a line that was laid out is left as it is."""
    made = list(parts)
    if not sys.stdout.isatty() and all(isinstance(part, Text) for part in made):
        told, out = visible("\n".join(map(str, made))), sys.stdout  # text without its styles: nothing to draw
    else:
        from advisor.report.styled import console

        shown = console()
        with shown.capture() as captured:
            for part in made:
                shown.print(part, soft_wrap=True)
        told, out = captured.get(), shown.file
    for line in told.splitlines():
        out.write(line.rstrip() + "\n")
