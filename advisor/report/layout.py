"""Text in lines and columns: wrapped between words, never inside one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

_QUANTITY = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|GiB|GB|MiB|KiB|%|tokens(?:/s)?)\b|%)")  # a number and its unit
Row = Sequence[str | Text]
_GAP = 2
_BELOW = 8  # columns by which a cell that stands below the others is set in
_LEAST_CLAUSE = 16  # characters; a shorter beginning of a reason says nothing
_LEAST_LAST = 0.45  # of the screen must be left for the last cell of a row, or it goes below


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, cut between words; a word longer than a line stands alone on one."""
    kept = [line for part in text.splitlines() for line in _lines(part, width)]
    return kept or [""]


def _lines(text: str, width: int) -> list[str]:
    glued = _QUANTITY.sub("\u00a0", text)
    told = textwrap.wrap(glued, max(width, 1), break_long_words=False, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in told] or [""]


def paragraph(text: str, width: int, *, head: str | Text = "", indent: int = 0, style: str = "") -> Iterator[Text]:
    """A text beside its head; lines that follow begin where the first did."""
    for number, line in enumerate(wrapped(text, width - indent)):
        first = Text(" " * indent) if number or not head else padded(head, indent)
        yield first.append(line, style=style)


def padded(cell: str | Text, width: int) -> Text:
    """A cell with blanks behind it."""
    text = Text().append_text(cell) if isinstance(cell, Text) else Text(cell)
    return text.append(" " * max(width - text.cell_len, 0))


def columns(rows: Sequence[Row], width: int, *, indent: int = 0, style: str = "") -> Iterator[Text]:
    """Rows as columns, of which the last wraps; below the others where too little is left for it.

    Args:
        rows: each of the same number of cells.
        width: of the screen.
        indent: blanks before each line.
        style: of the last column.
    """
    if not rows:
        return
    count = len(rows[0])
    wide = [max(_length(row[place]) for row in rows) + _GAP for place in range(count - 1)]
    start = indent + sum(wide)
    narrow = width - start < _LEAST_LAST * width
    for row in rows:
        head = Text(" " * indent)
        for cell, room in zip(row[:-1], wide, strict=True):
            head.append_text(padded(cell, room))
        last = row[-1].plain if isinstance(row[-1], Text) else row[-1]
        if narrow and len(last) > width - start:
            yield from _closer(head, row, indent, width)
            yield from paragraph(last, width, indent=indent + _BELOW, style=style)
        else:
            yield from paragraph(last, width, head=head, indent=start, style=style)


def _closer(head: Text, row: Row, indent: int, width: int) -> Iterator[Text]:
    """The cells that stand above the last one; side by side where they do not fit in their columns, wrapped at last."""
    head.rstrip()
    if head.cell_len <= width:
        yield head
        return
    yield from paragraph("  ".join(str(cell) for cell in row[:-1]), width, indent=indent)


def _length(cell: str | Text) -> int:
    return cell.cell_len if isinstance(cell, Text) else len(cell)


def clause(text: str, width: int) -> str:
    """As much of a reason as fits: without what stands behind its semicolon, then behind its commas, then its words."""
    short = text.partition("; ")[0]
    while len(short) > width and len(shorter := short.rpartition(", ")[0]) >= _LEAST_CLAUSE:
        short = shorter
    return short if len(short) <= width else textwrap.shorten(short, max(width, 8), placeholder=" ...")
