"""What the answer is written on: how wide, how many rows, which characters. One rule for every command."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NamedTuple, TextIO

from advisor.units import whole

MOST_COLUMNS = 100  # longer lines are hard to read
_UNKNOWN_COLUMNS = 80  # nobody looks, or nobody knows
_LEAST_COLUMNS = 40


class Screen(NamedTuple):
    """Columns that text may take; rows, None where no terminal shows it; whether more than ASCII is shown."""

    columns: int = _UNKNOWN_COLUMNS
    rows: int | None = None
    unicode: bool = True


def screen(stream: TextIO | None = None) -> Screen:
    """That of a stream, standard output where none is named; through a pipe that of the terminal behind it."""
    out = stream or sys.stdout
    seen = terminal_columns(out)
    columns = min(max(seen or _UNKNOWN_COLUMNS, _LEAST_COLUMNS), MOST_COLUMNS)
    return Screen(columns, _rows(out) if out.isatty() else None, _has_unicode(out))


def terminal_columns(stream: TextIO) -> int | None:
    """COLUMNS, else those of the terminal that the stream or any other standard stream is; None: there is none."""
    if named := whole(os.environ.get("COLUMNS", "")):
        return named
    for each in (stream, sys.stderr, sys.stdin):
        size = _size(each)
        if size is not None and size.columns:
            return size.columns
    return None


def _rows(stream: TextIO) -> int | None:
    if named := whole(os.environ.get("LINES", "")):
        return named
    size = _size(stream)
    return size.lines if size is not None and size.lines else None


def _size(stream: TextIO | None) -> os.terminal_size | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, replaced, no terminal
        return os.get_terminal_size(stream.fileno())  # type: ignore[union-attr]
    return None


def _has_unicode(stream: TextIO) -> bool:
    """Whether locale, stream and terminal all take more than ASCII."""
    named = next((os.environ[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(key)), None)
    plain = named in ("C", "POSIX") or (named is not None and "." in named and "utf" not in named.lower())
    coded = (stream.encoding or "").lower().replace("-", "").replace("_", "")
    return os.environ.get("TERM") != "dumb" and not plain and coded.startswith("utf")
