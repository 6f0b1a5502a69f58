"""A bundle put in place of the one before: whole or not at all, one update at a time, and the way back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from advisor.bundles.archive import Archive, unpack
from advisor.bundles.contents import check
from advisor.bundles.fetch import fetch
from advisor.catalog import bundle
from advisor.catalog.bundle import CURRENT, MANIFEST, SCHEMA, Bundle, order
from advisor.edge.reading import read_json
from advisor.errors import BadInput
from advisor.folder.atomic import STAGE, explained, left_behind, move_over, remove_folder, settle, token, write_new
from advisor.folder.lock import locked
from advisor.units import MIB

PREVIOUS = "previous.json"


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
    progress(f"fetching {where}")
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
    """Turn the pointer in one step; the bundle before stays for `undo`, older ones go."""
    now = folder / CURRENT
    if now.is_file():
        shutil.copyfile(now, folder / PREVIOUS)
    pointer = {"schema": SCHEMA, "folder": name, "over": bundle.packaged().version}
    fresh = folder / f".{CURRENT}.{token()}"
    write_new(fresh, json.dumps(pointer), executable=False)
    move_over(fresh, now)
    settle(folder)
    kept = {name, _named(folder / PREVIOUS)}
    for old in folder.iterdir():
        if old.is_dir() and not old.is_symlink() and old.name not in kept:
            remove_folder(old)


def _named(pointer: Path) -> str:
    """The folder that a pointer names; empty where there is none."""
    try:
        return str(read_json(pointer, most=MIB)["folder"])
    except (BadInput, KeyError, TypeError):
        return ""


def undo() -> str:
    """Go back to the bundle before, or to the wheel's; says which.

    Raises:
        BadInput: no bundle was ever taken here.
        EnvironmentFailed: the folder cannot be written.
    """
    folder = bundle.folder()
    now, before = folder / CURRENT, folder / PREVIOUS
    if not now.is_file():
        raise BadInput(f"{folder}: no bundle was taken here; the one of the wheel is read")
    with locked(folder), explained(folder):
        if _named(before):
            before.replace(now)
            return f"the bundle before ({_named(now)})"
        now.unlink()
    return f"the bundle of the wheel ({bundle.packaged().version})"
