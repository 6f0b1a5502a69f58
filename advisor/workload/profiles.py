"""Workload profiles: where they lie, and one YAML file → values by key.

YAML 1.1 turns `on` into a truth value, `3000:22` into a number to the base of sixty, `2001-99-99` into an error and
`4.8e12` into text. Nothing of that happens here: the file is taken apart into text, and `keys.py` says what it means.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from advisor.catalog.kept import parsed
from advisor.edge import filekinds
from advisor.edge.reading import opened, text_of
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.units import KIB
from advisor.workload.key import REQUIRED, key_named
from advisor.workload.keys import OF_PROFILE, PROFILE

_MOST_BYTES = 256 * KIB
_NULLS = ("", "~", "null", "Null", "NULL")


@cache
def profiles_folder() -> Path:
    """Where the shipped profiles lie: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).parent.parent
    installed = package / "_profiles"
    return installed if installed.is_dir() else package.parent / "profiles"


@cache
def profile_names() -> tuple[str, ...]:
    """Names of the shipped profiles."""
    return tuple(sorted(path.stem for path in profiles_folder().glob("*.yaml")))


def find_profile(name: str) -> Path:
    """The file of a shipped profile, or the file of that name.

    Raises:
        BadInput: there is neither; names the nearest shipped one.
    """
    name = PROFILE.read(name)
    if name in profile_names():
        return profiles_folder() / f"{name}.yaml"
    try:
        if Path(name).is_file():
            return Path(name)
    except OSError as error:
        raise BadInput(f"profile: {shown(name)} cannot be read ({error.strerror})") from None
    near = difflib.get_close_matches(name, profile_names(), n=3, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise BadInput(
        f"profile: {shown(name)} is neither a shipped profile nor a file{hint}\nshipped: {', '.join(profile_names())}",
        near=near[0] if near else "chat",
        seen=name,
        flag="--profile",
    )


def read_profile(path: Path) -> dict[str, Any]:
    """The values of every workload key: what the file says, else the key's default.

    Raises:
        BadInput: names file, line, key, what was seen and what is accepted.
    """
    with filekinds.expected(filekinds.PROFILE, path):
        return _values(path)


def _values(path: Path) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for line, name, item in _entries(path):
        where = f"{path}:{line}: "
        key = key_named(name, OF_PROFILE, where)
        if key.name in said:
            raise BadInput(f"{where}{key.name}: stands twice; leave one of the two lines")
        said[key.name] = None if item is None else key.read(item, where)
    for key in OF_PROFILE.values():
        if said.get(key.name) is None and key.default is REQUIRED:
            raise BadInput(f"{path}: {key.name}: is missing; accepted is {key.kind.accepted()}")
    del said["title"]
    defaults = {key.name: key.default for key in OF_PROFILE.values() if key.default is not REQUIRED}
    return {**defaults, **{name: item for name, item in said.items() if item is not None}}


def _entries(path: Path) -> Iterator[tuple[int, object, object]]:
    """Line, key and value of each entry: text, None, or a list or mapping that no key accepts."""
    text = _text(path)
    yield from (
        parsed(text, partial(_taken_apart, path)) if path.parent == profiles_folder() else _taken_apart(path, text)
    )


def _taken_apart(path: Path, text: str) -> list[tuple[int, object, object]]:
    import yaml

    try:
        top = yaml.compose(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInput(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(top, yaml.MappingNode):
        raise BadInput(f"{path}: must hold keys and values, saw {_kind(top)}")
    return [(key.start_mark.line + 1, _plain(key), _plain(item)) for key, item in top.value]


def _text(path: Path) -> str:
    with opened(path) as stream:
        raw = stream.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise BadInput(f"{path}: is larger than {_MOST_BYTES // KIB} KiB, so it is no workload profile")
    try:
        return text_of(raw)
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not UTF-8 text") from None


def _plain(node: Any) -> object:
    """The text of a scalar; None where YAML says null; an empty list or mapping for anything nested."""
    if node.id != "scalar":
        return [] if node.id == "sequence" else {}
    quoted = node.style in ("'", '"', "|", ">")
    return None if node.value in _NULLS and not quoted else node.value


def _kind(node: Any) -> str:
    return "nothing" if node is None else {"sequence": "a list", "scalar": "text"}[node.id]
