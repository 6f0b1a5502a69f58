"""Which files the facts are read from: the wheel's own, or those of a newer bundle that `advisor catalog update` took.

A bundle is a set of data files with a version and a date. The wheel holds one; another lies in this user's data folder,
where `current.json` names its folder. Only facts are in it: what belongs to the code (rules, settings, constants of the
physics, flags of the pinned engines) always comes from the wheel.
"""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Any

from advisor.edge.reading import at_home, read_json
from advisor.errors import BadInput
from advisor.schema import value

DATA = Path(__file__).parent / "data"
SCHEMA = 1  # of bundles that this program reads
FACTS = (
    "gpus.json", "gpus_extra.json", "gpus_more.json", "cpus.json", "cpus_extra.json", "models.json",
    "models_extra.json", "models_hub.json", "scores.json", "ranking.json", "sources.yaml",
)  # fmt: skip
MANIFEST, CURRENT = "bundle.json", "current.json"
VERSION = re.compile(r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}(\.[0-9]{1,4})?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@value
class Bundle:
    """A set of facts, and where it lies."""

    version: str  # "2026.11.28", by which bundles are ordered
    date: str  # of the newest thing that was read for it
    folder: Path
    packaged: bool  # the wheel's own


def order(version: str) -> tuple[int, ...]:
    """`"2026.11.28"` → (2026, 11, 28)."""
    return tuple(int(part) for part in version.split("."))


def folder() -> Path:
    """Where bundles of this user lie; it need not exist."""
    return at_home(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "advisor" / "catalog"


def own_folder() -> Path:
    """Where own entries of this user lie (see overrides.py); it need not exist."""
    return at_home(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "advisor" / "catalog.d"


@functools.cache
def packaged() -> Bundle:
    """The bundle of the wheel."""
    return _bundle(DATA, packaged=True)


def _bundle(where: Path, *, packaged: bool = False) -> Bundle:
    """The bundle in a folder.

    Raises:
        BadInput: its manifest cannot be read.
        ValueError: it is none.
    """
    manifest = read_json(where / MANIFEST)
    version, date = (manifest.get("version"), manifest.get("date")) if isinstance(manifest, dict) else ("", "")
    if not VERSION.fullmatch(str(version)) or not DATE.fullmatch(str(date)):
        raise ValueError(f"{where / MANIFEST}: is no manifest of a bundle")
    return Bundle(version=str(version), date=str(date), folder=where, packaged=packaged)


@functools.cache
def active() -> Bundle:
    """The bundle that is read: this user's where it is newer than the wheel's or was forced on it, else the wheel's."""
    return installed() or packaged()


def installed() -> Bundle | None:
    """This user's bundle, unless the wheel has a newer one by now, or it cannot be read (`catalog version` tells)."""
    try:
        found = _current()
        forced = found.get("over") == packaged().version
        one = _bundle(folder() / str(found["folder"])) if found.get("schema") == SCHEMA else None
    except (BadInput, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return one if one is not None and (forced or order(one.version) > order(packaged().version)) else None


def _current() -> dict[str, Any]:
    found: dict[str, Any] = read_json(folder() / CURRENT)
    return found


def data_file(name: str) -> Path:
    """Where a data file is read from."""
    where = active()
    if where.packaged or name not in FACTS:
        return DATA / name
    path = where.folder / name
    return path if path.is_file() else DATA / name


@functools.cache
def checksum() -> str:
    """SHA-256 over names and contents of the facts that are read."""
    import hashlib

    whole = hashlib.sha256()
    for name in FACTS:
        whole.update(f"{name}\n{hashlib.sha256(data_file(name).read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
