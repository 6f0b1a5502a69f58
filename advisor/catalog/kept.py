"""What takes long to parse, kept parsed beside other caches of this user, as Python keeps its own byte code."""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def cache_folder(name: str) -> Path | None:
    """A folder for what can be made again at any time.

    None where the folder cannot be made or is not this user's alone.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "advisor" / name  # noqa: PTH111
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found, above = folder.stat(), folder.parent.stat()
    except OSError:
        return None
    if not hasattr(os, "getuid"):
        return folder
    # Whoever owns the folder above can put another one in the place of this one.
    private = found.st_uid == os.getuid() and not found.st_mode & 0o022 and above.st_uid in (0, os.getuid())
    return folder if private else None


def parsed(text: str, parse: Callable[[str], Any]) -> Any:
    """What `parse` makes of a text of ours, found again by the text's own sum: another text is another file.

    Args:
        parse: gives lists, mappings, words and numbers; anything else is parsed anew each time.
    """
    folder = cache_folder("parsed")
    if folder is None:
        return parse(text)
    named = hashlib.sha256(f"{sys.implementation.cache_tag}\n{text}".encode()).hexdigest()
    path = folder / named[:40]
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
        return marshal.loads(path.read_bytes())  # noqa: S302 - only this user can have written it
    found = parse(text)
    with contextlib.suppress(OSError, ValueError):
        put(path, marshal.dumps(found))
    return found


def put(path: Path, data: bytes) -> None:
    """Write a file of a cache whole or not at all: another program may be reading.

    Raises:
        OSError: the system refuses.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(data)
    beside.replace(path)
