"""The single steps of safe writing: a temporary file, one move, a kept copy, errors with path and reason."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from advisor.errors import BadInput, EnvironmentFailed


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
    if path.is_symlink() or not path.is_file():
        return False
    return read_bytes(path) == text.encode()


def read_bytes(path: Path) -> bytes | None:
    """The content, or None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def write_new(path: Path, text: str, *, executable: bool) -> None:
    """Write a file that does not exist yet, with the usual permissions of the user's umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777 if executable else 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())


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
