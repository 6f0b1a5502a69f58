"""What lies in a deployment folder, which may come from anywhere: nothing that is waited for, or has no end."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from advisor.edge.reading import MOST_BYTES, kind_of
from advisor.errors import BadInput

DEEP, MOST_ENTRIES = 3, 20_000  # folders within one another that commands look into, and names in them
WAITED_FOR = (stat.S_ISFIFO, stat.S_ISCHR, stat.S_ISBLK)  # a socket is refused by whoever opens it as a file
READ_WHOLE = (".env", ".json", ".pid", ".started", "SHA256SUMS")  # how the names end of what is never long


def admit_contents(folder: Path) -> None:
    """Refuse what would be waited for or has no end, before any line of the checklist or script reads there.

    Raises:
        BadInput: a pipe or a device, also behind a link; a file that is larger than any of ours; too many names.
    """
    for number, path in enumerate(entries(folder)):
        if number >= MOST_ENTRIES:
            raise BadInput(f"{folder}: holds more than {MOST_ENTRIES:,} files; a deployment folder has a few dozen")
        try:
            found = path.stat()
        except (OSError, ValueError):  # a link that leads nowhere, or may not be followed
            continue
        if any(is_kind(found.st_mode) for is_kind in WAITED_FOR):
            raise BadInput(f"{path}: is {kind_of(found.st_mode)}, not a regular file")
        if path.name.endswith(READ_WHOLE) and found.st_size > MOST_BYTES:
            raise BadInput(f"{path}: is larger than {MOST_BYTES // 1024:,} KiB")


def entries(folder: Path, deep: int = DEEP) -> Iterator[Path]:
    """Every name in the folder and in those below; links are told and not followed."""
    try:
        found = sorted(folder.iterdir())
    except OSError:  # what may not be listed is not read by us either
        return
    for path in found:
        yield path
        if deep > 1 and path.is_dir() and not path.is_symlink():
            yield from entries(path, deep - 1)
