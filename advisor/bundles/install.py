"""A bundle put in place of the one before: whole or not at all, one update at a time, and the way back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from advisor.bundles.archive import Archive, unpack
from advisor.bundles.contents import check
from advisor.bundles.fetch import fetch
from advisor.catalog import bundle
from advisor.catalog.bundle import CURRENT, MANIFEST, SCHEMA, Bundle, order
from advisor.edge.reading import read_json
from advisor.errors import BadInput
from advisor.folder.atomic import STAGE, explained, left_behind, remove_folder, settle, token, write_new
from advisor.folder.lock import locked
from advisor.folder.write import write_atomically
from advisor.units import MIB

BEFORE = "before"  # in a pointer: the one before it


def update(where: str, *, force: bool = False, progress: Callable[[str], None] = lambda _: None) -> Archive:
    """Fetch a bundle, check it, and let every later command read it.

    Args:
        where: a file or an address.
        force: take one that is older than what is read now.
        progress: told what is going on.

    Raises:
        BadInput: no bundle, one that is not whole or not for this program, or an older one without `force`.
        EnvironmentFailed: the address does not answer, or the folder cannot be written.
    """
    progress("fetching the bundle")
    archive = unpack(fetch(where), where)
    progress("checking the bundle")
    check(archive, where)
    _newer(archive, bundle.active(), where, force)
    folder = bundle.folder()
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _put(archive, folder)
    return archive


def _newer(archive: Archive, now: Bundle, where: str, force: bool) -> None:
    if force or order(archive.version) >= order(now.version):
        return
    raise BadInput(
        f"{where}: is of {archive.version}, older than {now.version}, which is read now; --force takes it all the same"
    )


def _put(archive: Archive, folder: Path) -> None:
    """Lay the files beside the old ones, then turn the pointer: until then nothing has changed."""
    for stage in left_behind(folder):
        remove_folder(stage)
    stage = folder / f"{STAGE}{token()}"
    with explained(folder):
        try:
            stage.mkdir()
            manifest = {"schema": SCHEMA, "version": archive.version, "date": archive.date}
            for name, content in (*archive.files.items(), (MANIFEST, json.dumps(manifest).encode())):
                write_new(stage / name, content.decode("utf-8"), executable=False)
            settle(stage)
            place = folder / f"{archive.version}-{_digest(archive)}-{token()}"
            stage.rename(place)
        except BaseException:
            remove_folder(stage)
            raise
        _point(folder, place.name)


def _digest(archive: Archive) -> str:
    parts = (f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in sorted(archive.files.items()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _point(folder: Path, name: str) -> None:
    """Turn the pointer, which holds the way back too, in one step; older bundles go."""
    now = folder / CURRENT
    before = {key: found for key, found in _pointer(now).items() if key != BEFORE}
    _turn(now, {"schema": SCHEMA, "folder": name, "over": bundle.packaged().version, BEFORE: before})
    for old in folder.iterdir():
        if old.is_dir() and not old.is_symlink() and old.name not in (name, before.get("folder")):
            remove_folder(old)


def _turn(now: Path, pointer: Mapping[str, Any]) -> None:
    write_atomically(now, json.dumps(pointer), overwrite=True)


def _pointer(file: Path) -> dict[str, Any]:
    """What a pointer says; nothing where there is none, or none that can be read."""
    try:
        found = read_json(file, most=MIB)
    except BadInput:
        return {}
    return found if isinstance(found, dict) else {}


def undo() -> str:
    """Go back to the bundle before, or to the wheel's; says which.

    Raises:
        BadInput: no bundle was ever taken here.
        EnvironmentFailed: the folder cannot be written.
    """
    folder = bundle.folder()
    now = folder / CURRENT
    if not now.is_file():
        raise BadInput(f"{folder}: no bundle was taken here; the one of the wheel is read")
    with locked(folder), explained(folder):
        before = _pointer(now).get(BEFORE)
        if isinstance(before, dict) and before:
            _turn(now, before)
            return f"the bundle before ({before.get('folder')})"
        now.unlink()
    return f"the bundle of the wheel ({bundle.packaged().version})"
