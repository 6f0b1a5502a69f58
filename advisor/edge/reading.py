"""Files that somebody hands in: opened, read and decoded, or refused in words, within a bounded time and memory.

Only regular files are opened (a FIFO or a device would be waited for, or never end), only up to a size; JSON may nest
only so deep and holds finite numbers. What is refused is a `BadInput` that begins with the name of the file.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, TextIO

from advisor.edge.terminal import shown, shown_key
from advisor.errors import BadInput
from advisor.units import MIB

MOST_BYTES = 16 * MIB  # of a file that is read as a whole
MOST_OF_A_CELL = 128 * 1024  # characters of a CSV file
MOST_DEEP = 48  # lists and mappings within one another
MOST_NUMBER = 1e24  # more than any count, byte or rate of this world
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)  # fmt: skip


def named(path: Path) -> str:
    """The name of a file in a message; only the end of one that no system would take."""
    text = str(path)
    return text if len(text) <= 255 else shown(text)


@contextlib.contextmanager
def opened(path: Path, where: str = "") -> Iterator[BinaryIO]:
    """A regular file for reading; `where` names it in messages, if not by its path.

    Raises:
        BadInput: it cannot be opened or read, or is no regular file.
    """
    where = where or named(path)
    try:
        # Without waiting, should it be a pipe.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as stream:
            _regular(os.fstat(descriptor).st_mode, where)
            yield stream
    except OSError as error:
        raise BadInput(f"{where}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # a NUL in the name
        raise BadInput(f"{where}: cannot be read ({error})") from None


def _regular(mode: int, where: str) -> None:
    if not stat.S_ISREG(mode):
        raise BadInput(f"{where}: is {kind_of(mode)}, not a regular file")


def kind_of(mode: int) -> str:
    """What is no regular file, in words."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")


def is_file(path: Path) -> bool:
    """Whether there is a regular file of that name; a name that the system refuses is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder of that name; a name that the system refuses is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_link(path: Path) -> bool:
    """Whether there is a link of that name, wherever it leads; a name that the system refuses is none."""
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False


def not_itself(source: Path, target: Path, option: str) -> None:
    """Refuse to write the answer over the question.

    Raises:
        BadInput: both names are of one file.
    """
    try:
        same = source.samefile(target)
    except (OSError, ValueError):  # at most one of them is there
        return
    if same:
        raise BadInput(f"{option} {named(target)}: is the file that is read; choose another name")


def at_home(text: str) -> Path:
    """The path with `~` and `~user` replaced.

    Raises:
        BadInput: there is no such user.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise BadInput(f"{shown(text)}: there is no such user") from None


def file_size(path: Path) -> int:
    """Bytes of a file that is not read.

    Raises:
        BadInput: there is none, such as behind a link that leads nowhere.
    """
    try:
        return path.stat().st_size
    except (OSError, ValueError) as error:
        raise BadInput(f"{named(path)}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def read_bytes(path: Path, *, where: str = "", most: int = MOST_BYTES) -> bytes:
    """The whole content of a file.

    Raises:
        BadInput: as `opened`; or it is larger than `most`.
    """
    with opened(path, where) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise BadInput(f"{where or named(path)}: is larger than {most // 1024:,} KiB")
    return content


def read_text(path: Path, *, where: str = "", most: int = MOST_BYTES) -> str:
    """The whole content of a file: see `text_of`.

    Raises:
        BadInput: as `read_bytes`; or it is not text.
    """
    try:
        return text_of(read_bytes(path, where=where, most=most))
    except UnicodeDecodeError:
        raise BadInput(f"{where or named(path)}: is not text in UTF-8") from None


def encoding_of(beginning: bytes) -> str:
    """UTF-8, with or without a mark at the beginning; UTF-16 where its mark says so: `>` of Windows' PowerShell."""
    return "utf-16" if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def text_of(content: bytes, odd: Literal["strict", "replace"] = "strict") -> str:
    """The text of a file's content.

    Raises:
        UnicodeDecodeError: it is none, unless `odd` puts a mark in the place of what is not.
    """
    return content.decode(encoding_of(content), odd)


def read_json(path: Path, *, where: str = "", most: int = MOST_BYTES, once: bool = False) -> Any:
    """What a JSON file holds.

    Raises:
        BadInput: as `read_bytes` and `parse_json`.
    """
    return parse_json(read_bytes(path, where=where, most=most), where or named(path), once=once)


def parse_json(content: bytes | str, where: str, *, once: bool = False) -> Any:
    """What a JSON text holds: finite numbers, nested no deeper than `MOST_DEEP`.

    Args:
        where: names it in messages.
        once: whether a key may stand only once in its mapping: a person sees the first of two, a program the last.

    Raises:
        BadInput: it is not JSON, nests too deep, or holds a number without bounds; names its key.
    """

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for number, (key, _) in enumerate(pairs) if any(key == one for one, _ in pairs[:number]))
            raise BadInput(f"{where}: {shown_key(twice)}: stands twice; leave one of the two")
        return found

    try:
        text = text_of(content) if isinstance(content, bytes) else content
        found = json.loads(text, object_pairs_hook=mapping if once else None)
    except RecursionError:
        raise BadInput(f"{where}: nests deeper than {MOST_DEEP} levels") from None
    except ValueError as error:
        raise BadInput(f"{where}: is not JSON ({error})") from None
    _bounded(found, where)
    return found


def said_json(text: bytes | str) -> Any:
    """What a program or a server said in JSON; None where it is none, or none that `parse_json` takes."""
    try:
        return parse_json(text, "said")
    except BadInput:
        return None


def _bounded(top: Any, where: str) -> None:
    """Refuse what no computation could end with."""
    left: list[tuple[Any, tuple[str, ...]]] = [(top, ())]
    while left:
        item, keys = left.pop()
        if isinstance(item, dict | list):
            if len(keys) >= MOST_DEEP:
                raise BadInput(f"{where}: nests deeper than {MOST_DEEP} levels")
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            left.extend((one, (*keys, str(key))) for key, one in pairs if isinstance(one, dict | list | int | float))
        elif isinstance(item, int | float) and not abs(item) <= MOST_NUMBER:  # so is NaN
            raise BadInput(f"{where}: {'.'.join(keys)}: must be a number up to {MOST_NUMBER:g}; saw {shown(item)}")


class OddRow(NamedTuple):
    """A row of a CSV file that cannot be taken apart, and why."""

    reason: str


def csv_rows(lines: TextIO) -> Iterator[list[str] | OddRow]:
    """The rows of a CSV file, empty ones left out; a row that cannot be read does not end the others.

    What stands in a line or cell behind `MOST_OF_A_CELL` characters is left out.
    """
    csv.field_size_limit(MOST_OF_A_CELL)
    reader = csv.reader(beginnings(lines))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield OddRow(f"line {reader.line_num}: {error}")
        else:
            if row:
                yield row


def beginnings(lines: TextIO, most: int = MOST_OF_A_CELL) -> Iterator[str]:
    """Every line, of one without end no more than its first `most` characters."""
    while line := lines.readline(most):
        yield line
        while len(line) == most and not line.endswith(("\n", "\r")):
            line = lines.readline(most)


@contextlib.contextmanager
def opened_text(path: Path, *, odd: Literal["strict", "replace"] = "strict") -> Iterator[TextIO]:
    """A file line by line, with ends of lines as they are, in the encoding that its beginning tells.

    Args:
        path: the file.
        odd: whether bytes that are no text are refused, or a mark stands in their place.

    Raises:
        BadInput: as `opened`; or, while it is read, that it is not text.
    """
    with opened(path) as stream, decoded(stream, named(path), odd=odd) as text:
        yield text


@contextlib.contextmanager
def decoded(stream: BinaryIO, where: str, *, odd: Literal["strict", "replace"] = "strict") -> Iterator[TextIO]:
    """The text of a stream of bytes, as `opened_text`.

    Raises:
        BadInput: while it is read, that it is not text.
    """
    beginning = stream.peek(2)[:2] if isinstance(stream, io.BufferedReader) else b""
    try:
        yield io.TextIOWrapper(stream, encoding=encoding_of(beginning), errors=odd, newline="")
    except UnicodeDecodeError:
        raise BadInput(f"{where}: is not text in UTF-8") from None
