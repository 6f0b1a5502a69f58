"""JSON of a file from anywhere: a regular file of bounded size and depth, whose numbers are finite."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any, NoReturn

from advisor.errors import BadInput

LONGEST_BYTES = 8 * 2**20  # a hundred times the largest plan that was ever written
DEEPEST = 32  # levels; a plan with its desk has 7
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def json_of(path: Path, *, where: str = "") -> Any:
    """What a JSON file holds, as plain data; `where` names it in the message, if not by its path.

    Raises:
        BadInput: it is no regular file, too large, too deep, not UTF-8, not JSON, or holds NaN or an infinity.
    """
    return parsed(_text(path, where or str(path)), where or str(path))


def parsed(text: str, where: str) -> Any:
    """What JSON text holds; `where` names its source in the message.

    Raises:
        BadInput: it is too deep, not JSON, or holds NaN or an infinity.
    """
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        mark = found.group()
        depth += (mark in "[{") - (mark in "]}")
        if depth > DEEPEST:
            raise BadInput(f"{where}: is nested deeper than {DEEPEST} levels")
    try:
        return json.loads(text, parse_constant=_not_finite)
    except ValueError as error:
        raise BadInput(f"{where}: is not JSON ({error})") from None


def _text(path: Path, where: str) -> str:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BadInput(f"{where}: is not a regular file")
        if found.st_size > LONGEST_BYTES:
            raise BadInput(f"{where}: holds {found.st_size} bytes; at most {LONGEST_BYTES} are read")
        with path.open("rb") as stream:
            return stream.read(LONGEST_BYTES).decode("utf-8")
    except OSError as error:
        raise BadInput(f"{where}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: is not JSON ({error})") from None


def _not_finite(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a finite number")
