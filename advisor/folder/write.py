"""Writing files without leaving a half-written one, and without losing what a person wrote.

Text goes into a temporary file and is moved over its target in one step; a folder is staged as a whole
before the first file is moved. `.advisor-manifest.json` remembers the hash of what was written: a file that
is still the same is replaced by what a later run plans, one that a person changed refuses it, or is kept as
`NAME.bak-1`, `NAME.bak-2`, ... The plan before lies beside the new one, for a way back.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TextIO

from advisor.edge.reading import is_folder, is_link, opened, read_json
from advisor.errors import BadInput
from advisor.folder import atomic
from advisor.folder.lock import locked
from advisor.folder.started import refuse_while_running
from advisor.schema import RenderedFile
from advisor.units import MIB

MANIFEST = ".advisor-manifest.json"
PLAN, PLAN_BEFORE = "plan.json", "plan.before.json"
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Written:
    """What a call did, as paths relative to the folder."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()  # copies of files that a person had changed
    removed: tuple[str, ...] = ()  # of an earlier call, unchanged since, and no longer part of the folder
    left: tuple[str, ...] = ()  # likewise no longer part of it, but changed by a person


def write_atomically(path: Path, text: str, *, overwrite: bool) -> None:
    """Write one file; one with the same text is left alone.

    Raises:
        BadInput: the path exists with other content and `overwrite` is off, or is no file.
        EnvironmentFailed: the system refuses: no permission, disk full, read-only.
    """
    if atomic.same(path, text):
        return
    with replacing(path, overwrite=overwrite) as file:
        file.write(text)


@contextlib.contextmanager
def replacing(path: Path, *, overwrite: bool, own: str | None = None) -> Iterator[TextIO]:
    """A new file to write to, which takes its place when the block ends well; what was there stays until then.

    Args:
        overwrite: whether another file may be replaced; otherwise only one that begins with `own`.
        own: how the files of earlier runs begin, with their line.

    Raises:
        BadInput: the path exists and may not be replaced, or is no file.
        EnvironmentFailed: the system refuses: no permission, disk full, read-only.
    """
    _replaceable(path, overwrite, own)
    with atomic.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic.beside(path) as temporary:
            atomic.write_new(temporary, "", executable=False)
            with temporary.open("w", newline="", encoding="utf-8") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            atomic.move_over(temporary, path)
            atomic.settle(path.parent)


def _replaceable(path: Path, overwrite: bool, own: str | None) -> None:
    if not atomic.present(path):
        return
    if is_folder(path):
        raise BadInput(f"{path}: is a folder, not a file")
    if not path.is_symlink():
        with opened(path) as file:  # a device or a pipe is not replaced, whatever else was said
            if own is not None and file.readline(MIB) == own.encode():
                return
    if not overwrite:
        raise BadInput(f"{path}: exists already with other content; --force replaces it")


def write_tree(folder: Path, files: Iterable[RenderedFile], *, overwrite: bool) -> Written:
    """Write a folder of files; nothing is touched before all of them lie ready.

    What the last call wrote and nobody changed is replaced, and removed where it is no longer wanted. A file that a
    person changed or wrote refuses the call; with `overwrite` it is kept as a backup. Files that were never ours and
    do not collide stay as they are.

    Raises:
        BadInput: a person's file is in the way, `folder` is a file, a path leads out of it, or what its run.sh started
            still runs.
        EnvironmentFailed: the system refuses: no permission, disk full, read-only.
    """
    wanted = {file.path: file for file in files}
    if atomic.present(folder) and not folder.is_dir():
        raise BadInput(f"{folder}: is not a folder")
    for path in wanted:
        _check(folder, path)
    with atomic.explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.resolve().parent) as alone:
        for stage in [*atomic.left_behind(folder), *atomic.left_behind(folder.parent)] if alone else []:
            atomic.remove_folder(stage)
        return _written(folder, wanted, overwrite)


def _written(folder: Path, wanted: Mapping[str, RenderedFile], overwrite: bool) -> Written:
    """What `write_tree` does, while nobody else writes there."""
    manifest = _read_manifest(folder)
    wanted = _with_plan_before(folder, wanted, manifest)
    taken = [path for path in wanted if atomic.present(folder / path)]
    different = [path for path in taken if not atomic.same(folder / path, wanted[path].text)]
    if different:
        refuse_while_running(folder)
    changed = [path for path in different if not _is_ours(folder, path, manifest)]
    if changed and not overwrite:
        raise BadInput(_refusal(folder, changed))
    with atomic.explained(folder):
        done = _install(folder, wanted, different, manifest)
        removed, left = _tidy(folder, wanted, manifest)
    return replace(done, removed=removed, left=left)


def _with_plan_before(
    folder: Path, wanted: Mapping[str, RenderedFile], manifest: Mapping[str, str]
) -> Mapping[str, RenderedFile]:
    """The files with the plan that is replaced, or the one kept when that happened last."""
    if PLAN not in wanted:
        return wanted
    kept = PLAN_BEFORE if atomic.same(folder / PLAN, wanted[PLAN].text) else PLAN
    content = atomic.read_bytes(folder / kept) if _is_ours(folder, kept, manifest) else None
    if content is None:
        return wanted
    return {**wanted, PLAN_BEFORE: RenderedFile(path=PLAN_BEFORE, text=content.decode())}


def changed_by_a_person(folder: Path, path: str) -> bool:
    """Whether a file is there with other content than the last `write_tree` gave it."""
    return atomic.present(folder / path) and not _is_ours(folder, path, _read_manifest(folder))


def _install(
    folder: Path,
    wanted: Mapping[str, RenderedFile],
    different: Sequence[str],
    manifest: Mapping[str, str],
) -> Written:
    unchanged = [path for path in wanted if path not in different and atomic.present(folder / path)]
    new = [path for path in wanted if path not in unchanged]
    # Inside a folder that exists (same file system, same permissions), beside one that does not.
    stage = (folder if folder.exists() else folder.parent) / f"{atomic.STAGE}{atomic.token()}"
    backups = []
    try:
        stage.mkdir(parents=True)
        for path in new:
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            atomic.write_new(stage / path, wanted[path].text, executable=wanted[path].executable)
            atomic.readable_by_all(stage / path, stage)
        atomic.write_new(stage / MANIFEST, _manifest_text(wanted.values(), manifest), executable=False)
        if not folder.exists():
            stage.replace(folder)
            atomic.settle(folder.parent)
            return Written(tuple(new))
        for path in different:
            if not _is_ours(folder, path, manifest):
                backups.append(_relative(folder, atomic.keep_copy(folder / path)))
        for path in (*new, MANIFEST):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            atomic.move_over(stage / path, folder / path)
            atomic.readable_by_all((folder / path).parent, folder)
        for place in {(folder / path).parent for path in (*new, MANIFEST)}:
            atomic.settle(place)
    finally:
        atomic.remove_folder(stage)
    for path in unchanged:
        if wanted[path].executable:
            atomic.make_executable(folder / path)
    return Written(tuple(new), tuple(unchanged), tuple(backups))


def _tidy(
    folder: Path, wanted: Mapping[str, RenderedFile], manifest: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove what an earlier call wrote, this one does not, and nobody changed."""
    stale = [path for path in manifest if path not in wanted and atomic.present(folder / path)]
    removed = tuple(path for path in stale if _is_ours(folder, path, manifest))
    for path in removed:
        (folder / path).unlink()
        for parent in list((folder / path).parents)[: len(PurePosixPath(path).parents) - 1]:
            if not any(parent.iterdir()):
                parent.rmdir()
    return removed, tuple(path for path in stale if path not in removed)


def _check(folder: Path, path: str) -> None:
    """A path must stay inside the folder, not go through a link, and not name a folder."""
    parts = PurePosixPath(path).parts
    if not _stays_inside(path) or path == MANIFEST:
        raise BadInput(f"{folder}: {path!r} is not a path inside the folder")
    for length in range(1, len(parts)):
        parent = folder.joinpath(*parts[:length])
        if parent.is_symlink():
            raise BadInput(f"{parent}: is a link, and files are not written through it; remove it")
        if atomic.present(parent) and not parent.is_dir():
            raise BadInput(f"{parent}: is a file where a folder is needed")
    if (folder / path).is_dir() and not (folder / path).is_symlink():
        raise BadInput(f"{folder / path}: is a folder where a file is needed")


def _stays_inside(path: str) -> bool:
    return bool(path) and not path.startswith("/") and ".." not in PurePosixPath(path).parts


def _is_hash(found: object) -> bool:
    return isinstance(found, str) and _HASH.fullmatch(found) is not None


def _within(folder: Path, path: str) -> bool:
    """Whether a path stays inside the folder, with no link on the way that could lead out."""
    parents = list((folder / path).parents)[: len(PurePosixPath(path).parents) - 1]
    return _stays_inside(path) and not any(is_link(parent) for parent in parents)


def _refusal(folder: Path, different: Sequence[str]) -> str:
    listed = ", ".join(different[:5]) + (f" and {len(different) - 5} more" if len(different) > 5 else "")
    return (
        f"{folder}: holds what advisor did not write, or a person changed since: {listed}. Nothing was written. Choose "
        "another folder with --out, or replace with --force (what is there is kept as .bak-N)"
    )


def _is_ours(folder: Path, path: str, manifest: Mapping[str, str]) -> bool:
    """Whether the file is exactly what the last call wrote: text in UTF-8, whatever a manifest says."""
    if path not in manifest or (folder / path).is_symlink():
        return False
    content = atomic.read_bytes(folder / path)
    return content is not None and _hash(content) == manifest[path] and _is_text(content)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_manifest(folder: Path) -> dict[str, str]:
    """Path → hash of the last call; a manifest that cannot be read counts as none, so that all is kept."""
    try:
        recorded = read_json(folder / MANIFEST)
    except BadInput:
        return {}
    files = recorded.get("files") if isinstance(recorded, dict) else None
    pairs = files.items() if isinstance(files, dict) else ()
    return {path: found for path, found in pairs if _is_hash(found) and _within(folder, path)}


def _manifest_text(files: Iterable[RenderedFile], before: Mapping[str, str]) -> str:
    """The manifest after this call; what an earlier one wrote stays known, to be tidied up later."""
    hashes = {**before, **{file.path: _hash(file.text.encode()) for file in files}}
    return json.dumps({"schema_version": 1, "files": dict(sorted(hashes.items()))}, indent=2) + "\n"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _relative(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
