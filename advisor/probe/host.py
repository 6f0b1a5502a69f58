"""The machine as the readers see it: files, programs, an environment. Tests put in recorded ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

COMMAND_TIMEOUT_S = 3.0


class Output(NamedTuple):
    """What a program answered. `code` is None when it gave no answer, and `error` then says why."""

    code: int | None
    text: str
    error: str


Started = Callable[[], Output]  # a program that runs; calling it waits for the answer
Starter = Callable[[Sequence[str], Mapping[str, str]], Started]


def start_command(argv: Sequence[str], env: Mapping[str, str]) -> Started:
    """Start a program now; its output is collected later, within `COMMAND_TIMEOUT_S` of the start."""
    import shutil

    from advisor.edge.children import Child

    if shutil.which(argv[0], path=env.get("PATH")) is None:  # cheaper than a fork that fails
        return lambda: Output(None, "", f"{argv[0]} is not installed")
    try:
        child = Child(argv, limit_s=COMMAND_TIMEOUT_S, env={**env, "LC_ALL": "C"})
    except OSError as error:
        reason = error.strerror
        return lambda: Output(None, "", f"{argv[0]} cannot be started ({reason})")

    def collect() -> Output:
        done = child.collect()
        if done.code is None:
            return Output(None, "", f"{argv[0]} gave no answer within {COMMAND_TIMEOUT_S:.0f} s")
        return Output(done.code, done.out, done.err)

    return collect


def _affinity() -> frozenset[int] | None:
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _free_bytes(path: Path) -> int:
    import shutil

    return shutil.disk_usage(path).free


@dataclass(frozen=True)
class Host:
    """Where the readers read. The default is this machine."""

    root: Path = Path("/")
    start: Starter = start_command
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    system: str = sys.platform
    machine: str = field(default_factory=lambda: os.uname().machine if hasattr(os, "uname") else "")
    affinity: frozenset[int] | None = field(default_factory=_affinity)
    free_bytes: Callable[[Path], int] = _free_bytes
    nvml: Any = None  # an object with the functions of pynvml; None: import pynvml

    def path(self, absolute: str | Path) -> Path:
        """An absolute path of the machine, under `root`."""
        return self.root / str(absolute).lstrip("/")

    def text(self, absolute: str | Path) -> str | None:
        """The stripped text of a file, or None when it cannot be read."""
        try:
            return self.path(absolute).read_text(encoding="utf-8", errors="replace").strip("\0\n\t ")
        except OSError:
            return None

    def number(self, absolute: str | Path) -> int | None:
        """A file that holds one integer (decimal or 0x…), or None."""
        text = self.text(absolute)
        try:
            return int(text, 0) if text else None
        except ValueError:
            return None

    def names(self, absolute: str | Path) -> list[str]:
        """The names in a folder, sorted with numbers in numeric order; empty when there is no such folder."""
        try:
            found = [entry.name for entry in self.path(absolute).iterdir()]
        except OSError:
            return []
        return sorted(found, key=lambda name: (name.rstrip("0123456789"), len(name), name))

    def exists(self, absolute: str | Path) -> bool:
        """Whether the path is there."""
        return self.path(absolute).exists()

    def command(self, *argv: str) -> Started:
        """Start a program of the machine."""
        return self.start(argv, self.env)


def properties(text: str) -> dict[str, str]:
    """`key value` lines (KFD topology) as a dict; the first blank ends the key."""
    pairs = (line.split(None, 1) for line in text.splitlines())
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


def first_line(text: str) -> str:
    """The first line that is not blank, shortened to 160 characters, for a reason."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:160]
