"""The single steps of safe writing: a temporary file, one move, a kept copy, errors with path and reason."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from advisor.edge import reading
from advisor.edge.reading import is_file
from advisor.errors import BadInput, EnvironmentFailed

STAGE = ".advisor-"  # before the token: a folder in which new files lie ready
ABANDONED_S = 600.0  # no run leaves its temporary file untouched for so long


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system refuses into our errors: the path, and the reason in its words.

    Raises:
        BadInput: something of the wrong kind is in the way.
        EnvironmentFailed: no permission, disk full, read-only, name too long, ...
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise BadInput(f"{path}: cannot be written: {_named(error)} is in the way ({error.strerror})") from None
    except OSError as error:
        where = Path(_named(error)).parent  # the name itself may be a temporary one
        raise EnvironmentFailed(f"{path}: cannot be written ({error.strerror}, in {where})") from None


def _named(error: OSError) -> str:
    return str(error.filename2 or error.filename or "unknown path")


def token() -> str:
    """A few random characters for a temporary name."""
    return os.urandom(4).hex()


def present(path: Path) -> bool:
    """Whether the name is taken, also by a link that leads nowhere."""
    return os.path.lexists(path)


def same(path: Path, text: str) -> bool:
    """Whether a regular file (no link) holds exactly this text."""
    return not path.is_symlink() and is_file(path) and read_bytes(path) == text.encode()


def read_bytes(path: Path) -> bytes | None:
    """The content, or None where it cannot be read."""
    try:
        return reading.read_bytes(path)
    except BadInput:
        return None


def write_new(path: Path, text: str, *, executable: bool) -> None:
    """Write a file that does not exist yet, with the usual permissions of the user's umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777 if executable else 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(descriptor)


def readable_by_all(path: Path, top: Path) -> None:
    """Let everybody read what lies at `path`, and enter the folders from there up to `top`, whatever the umask.

    Containers without capabilities read these files as another user's; no secret stands in any of them.
    """
    for place in (path, *path.parents):
        mode = stat.S_IMODE(place.stat().st_mode)
        place.chmod(mode | (0o055 if place.is_dir() or mode & 0o100 else 0o044))
        if place == top:
            return


def settle(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can tell."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, which is gone at the end; so is what a killed run left there before."""
    sweep(path.parent, glob.escape(path.name), older_s=ABANDONED_S)
    temporary = path.with_name(f".{path.name}.{token()}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path, names: str, *, older_s: float) -> None:
    """Remove the temporary files that killed runs left in a folder.

    Args:
        names: a pattern of the files that were to be written.
        older_s: seconds since the last touch; below 0 only where no other run can be writing.
    """
    for old in folder.glob(f".{names}.{'[0-9a-f]' * 8}"):
        with contextlib.suppress(OSError):
            if time.time() - old.lstat().st_mtime > older_s:
                old.unlink()


def left_behind(folder: Path) -> list[Path]:
    """The stages of runs that were killed, where no other run can be writing."""
    return [path for path in folder.glob(f"{STAGE}{'[0-9a-f]' * 8}") if path.is_dir() and not path.is_symlink()]


def move_over(temporary: Path, path: Path) -> None:
    """Put a finished file in its place in one step; an existing file's permissions are kept."""
    if path.is_file() and not path.is_symlink():
        kept = stat.S_IMODE(path.stat().st_mode)
        temporary.chmod(kept | (stat.S_IMODE(temporary.stat().st_mode) & 0o111))
    temporary.replace(path)


def keep_copy(path: Path) -> Path:
    """Keep what is at `path` as `NAME.bak-N`, N the first number that is free. A link is kept as a link."""
    number = 1
    while present(kept := path.with_name(f"{path.name}.bak-{number}")):
        number += 1
    try:
        os.link(path, kept, follow_symlinks=False)
    except OSError:  # a file system without hard links
        import shutil

        shutil.copy2(path, kept, follow_symlinks=False)
    return kept


def make_executable(path: Path) -> None:
    """Add the execute bit for everyone who may read."""
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode | (mode & 0o444) >> 2)


def remove_folder(folder: Path) -> None:
    """Remove a temporary folder, whatever is in it."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
