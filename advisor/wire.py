"""The doors: JSON in (checked by pydantic, imported only here), JSON and its schema out."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from advisor.errors import BadInput, shown, shown_key

T = TypeVar("T")
LONGEST_BYTES = 8 * 2**20  # a hundred times the largest plan that was ever written
DEEPEST = 32  # levels; a plan with its desk has 7
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def to_data(value: object) -> Any:
    """Turn any value of `schema` into plain dicts, lists and scalars."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_data(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_data(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_data(v) for v in value]
    return value


def to_json(value: object) -> str:
    """JSON text of any value, stable from run to run, with a final newline."""
    return json.dumps(to_data(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_data(cls: type[T], data: object, *, where: str) -> T:
    """Check plain data against a value class; `where` names the file in the message.

    Raises:
        BadInput: file, key, what was seen and what is accepted.
    """
    import pydantic

    try:
        return pydantic.TypeAdapter(cls).validate_python(data)
    except pydantic.ValidationError as error:
        raise BadInput(explain(error, where)) from None


def from_json_file(cls: type[T], path: Path) -> T:
    """Read and check a JSON file that holds one value.

    Raises:
        BadInput: the file cannot be read, is not JSON or beyond its bounds, or does not match.
    """
    return from_data(cls, read_json(path), where=str(path))


def read_json(path: Path, *, where: str = "") -> Any:
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


def json_schema(cls: type) -> dict[str, Any]:
    """JSON Schema (2020-12) of a value class: what `from_data` takes and `to_data` gives."""
    import pydantic

    return {"$schema": JSON_SCHEMA, **pydantic.TypeAdapter(cls).json_schema()}


def explain(error: Any, where: str) -> str:
    """Put a pydantic error into one line a key: file, key, what was seen, what is accepted."""
    lines = []
    for item in error.errors(include_url=False):
        key = shown_key(".".join(str(part) for part in item["loc"]) or "(top level)")
        if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            lines.append(f"{where}: {key}: unknown key")
        elif item["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
            lines.append(f"{where}: {key}: is missing")
        else:
            lines.append(f"{where}: {key}: {item['msg']}; saw {shown(item['input'])}")
    return "\n".join(lines)
