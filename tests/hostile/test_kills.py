"""Writers that are killed at any moment or meet each other: what was there or what comes, whole, and nothing lost."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.errors import AdvisorError
from advisor.folder.write import MANIFEST, write_tree
from advisor.schema import RenderedFile
from tests.hostile.table import hold, offspring, row

NIGHTLY = bool(os.environ.get("ADVISOR_NIGHTLY"))
EVENTS = ("open", "os.", "shutil.", "fcntl.")  # what Python tells before it is done
OLD = [
    RenderedFile(path=f"{name}.txt", text=f"old {name}\n" * 50) for name in ("a", "b", "gone", "deep/c", "deep/gone")
]
NEW = [RenderedFile(path=f"{name}.txt", text=f"new {name}\n" * 50) for name in ("a", "b", "deep/c", "deep/er/d", "e")]
MINE, CHANGED = "notes of mine\n", "changed by me\n"


def killed_at(point: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed before its n-th touch of the file system; whether it came so far."""
    pid = os.fork()
    if pid:
        return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    left = [point]

    def count(event: str, _: object) -> None:
        if event.startswith(EVENTS):
            left[0] -= 1
            if left[0] == -1:  # the kill itself is told too
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        work()
    finally:
        os._exit(0)


def texts(folder: Path) -> dict[str, str]:
    """Every file of a folder but the hidden ones."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path): (folder / path).read_text() for path in found if not path.parts[0].startswith(".")}


def lost(folder: Path) -> list[str]:
    """What a person wrote that is nowhere any more, and files that are neither old nor new."""
    found = texts(folder)
    known = {file.text for file in (*OLD, *NEW)} | {MINE, CHANGED}
    gone = [text for text in (MINE, CHANGED) if text not in found.values()]
    return gone + [path for path, text in found.items() if text not in known]


def test_a_run_killed_anywhere_loses_nothing(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """At each touch of the file system a kill leaves whole files and what is mine; the next run leaves all that is new."""
    points, before = 0, offspring(tmp_path)
    for point in range(10_000):
        folder = tmp_path / str(point)
        write_tree(folder, OLD, overwrite=False)
        (folder / "mine.txt").write_text(MINE)
        (folder / "a.txt").write_text(CHANGED)
        if not killed_at(point, lambda folder=folder: write_tree(folder, NEW, overwrite=True)):  # type: ignore[misc]
            break
        points += 1
        assert not lost(folder), point
        write_tree(folder, NEW, overwrite=True)
        assert not lost(folder), point
        found = texts(folder)
        assert found | {file.path: file.text for file in NEW} == found, point
        assert not {"gone.txt", "deep/gone.txt"} & set(found), point
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == [MANIFEST], point
    assert points > 30 and offspring(tmp_path) <= before
    line = row("render --force, killed", "at every touch of the file system", lost_files=0, left_processes=0)
    hold(line, update=pytestconfig.getoption("--update-golden"))


def test_two_writers_leave_one_whole_folder(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Two runs that begin together in one folder: its files are those of one of them, and no file of the other."""
    pairs, before = 500 if NIGHTLY else 25, offspring(tmp_path)
    for number in range(pairs):
        folder, dice = tmp_path / str(number), random.Random(number)
        children = [_writer(folder, files, dice.random() * 0.01) for files in (OLD, NEW)]
        ended = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        assert set(ended) <= {0, 2, 3} and 0 in ended, ended
        assert texts(folder) in [{file.path: file.text for file in files} for files in (OLD, NEW)], number
    assert offspring(tmp_path) <= before
    line = row("two writers of a folder", f"{pairs} pairs", lost_files=0, left_processes=0)
    if not NIGHTLY:
        hold(line, update=pytestconfig.getoption("--update-golden"))


def _writer(folder: Path, files: list[RenderedFile], wait_s: float) -> int:
    """A process that writes the folder; its exit code is that of the error."""
    import time

    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        time.sleep(wait_s)
        write_tree(folder, files, overwrite=True)
        code = 0
    except AdvisorError as error:
        code = error.exit_code
    finally:
        os._exit(code)
