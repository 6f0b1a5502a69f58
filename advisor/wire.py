"""The doors: JSON in (checked by pydantic, imported only here), JSON and its schema out."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from advisor.edge.bounds import check_bounds
from advisor.edge.reading import named, read_json
from advisor.edge.terminal import MOST_SHOWN, shown
from advisor.errors import BadInput

T = TypeVar("T")
MOST_LINES = 20  # of a message about one file
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


def from_data(cls: type[T], data: object, *, where: str, exact: bool = False) -> T:
    """Check plain data against a value class; `where` names the file in the message.

    Args:
        cls: the value class.
        data: plain dicts, lists and scalars.
        where: the file, for the message.
        exact: a number is no text and no truth, as in what this program wrote; not so where people write YAML.

    Raises:
        BadInput: file, key, what was seen and what is accepted.
    """
    import pydantic

    checker = _adapter(cls)  # type: ignore[arg-type] # every class is hashable
    try:
        # Exactly: as JSON, where the strict rules take a list for a tuple.
        found: T = checker.validate_json(json.dumps(data), strict=True) if exact else checker.validate_python(data)
    except pydantic.ValidationError as error:
        raise BadInput(explain(error, where)) from None
    check_bounds(to_data(found), where)
    return found


@functools.cache
def _adapter(cls: type) -> Any:
    """The checker of a value class: making one takes longer than a hundred checks with it."""
    import pydantic

    return pydantic.TypeAdapter(cls)


def from_json_file(cls: type[T], path: Path) -> T:
    """Read and check a JSON file that holds one value.

    Raises:
        BadInput: the file cannot be read, is not JSON or beyond its bounds, or does not match.
    """
    return from_data(cls, read_json(path, once=True), where=named(path), exact=True)


def plainly(cls: type[T], data: object, where: str) -> T:
    """Plain data as a value class without pydantic, for what is on the way of every advice.

    Raises:
        BadInput: file, key and what was seen.
    """
    if not isinstance(data, dict):
        raise BadInput(f"{where}: must hold keys and values; saw {shown(data)}")
    types = {part.name: str(part.type) for part in fields(cls)}  # type: ignore[arg-type] # a value class
    given = {key: tuple(item) if isinstance(item, list) else item for key, item in data.items()}
    for key, item in given.items():
        if key not in types or not any(_is(item, kind.strip()) for kind in types[key].split("|")):
            raise BadInput(f"{where}: {_part(key)}: must be {types.get(key, 'left out')}; saw {shown(item)}")
    check_bounds(to_data(given), where)
    try:
        return cls(**given)
    except TypeError as error:  # a key without a default is missing
        raise BadInput(f"{where}: {error}") from None


def _is(item: object, kind: str) -> bool:
    """Whether a value is of the kind that an annotation names, and what is in it of the kinds named there."""
    if kind == "float":
        return isinstance(item, int | float) and not isinstance(item, bool)
    plain = {"int": int, "str": str, "bool": bool, "None": type(None)}.get(kind)
    if plain is not None:
        return type(item) is plain
    if kind.startswith("tuple["):
        inside = kind[6:].split(",")[0]
        return isinstance(item, tuple) and all(_is(one, inside) for one in item)
    if kind.startswith("Mapping["):
        inside = kind[:-1].split(",")[1].strip()
        return isinstance(item, Mapping) and all(_is(one, inside) for one in item.values())
    # A word of a list of words, or a value that was made before.
    return isinstance(item, str) or is_dataclass(item)


def json_schema(cls: type) -> dict[str, Any]:
    """JSON Schema (2020-12) of a value class: what `from_data` takes and `to_data` gives."""
    return {"$schema": JSON_SCHEMA, **_adapter(cls).json_schema()}


def explain(error: Any, where: str) -> str:
    """Put a pydantic error into one line a key: file, key, what was seen, what is accepted."""
    lines = []
    for item in error.errors(include_url=False)[:MOST_LINES]:
        key = ".".join(_part(part) for part in item["loc"]) or "(top level)"
        if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            lines.append(f"{where}: {key}: unknown key")
        elif item["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
            lines.append(f"{where}: {key}: is missing")
        else:
            lines.append(f"{where}: {key}: {item['msg']}; saw {shown(item['input'])}")
    more = error.error_count() - len(lines)
    return "\n".join([*lines, *([f"{where}: and {more:,} more"] if more else [])])


def _part(part: object) -> str:
    """A key as it is written, unless it is longer or odder than any key of ours."""
    text = str(part)
    return text if len(text) <= MOST_SHOWN and text.isprintable() else shown(text)
