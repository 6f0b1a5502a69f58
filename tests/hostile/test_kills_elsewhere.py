"""What else is written: a store, an answer, a bundle of the catalogue, a result; killed at any moment it is old or new, and whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from advisor.bundles import install
from advisor.bundles.archive import Archive
from advisor.catalog import bundle
from advisor.folder.write import replacing, write_atomically
from advisor.measured import store
from advisor.measured.entries import Measurement
from advisor.wire import from_data
from tests.hostile.readers import measurement_here
from tests.hostile.table import hold, offspring, row
from tests.hostile.test_kills import killed_at

FIRST, SECOND = "2030.1.2", "2031.1.2"
LONG = "line of an answer\n" * 5_000


class Writer(NamedTuple):
    """Something that writes: what is there before, the write, and what is found there afterwards."""

    before: Callable[[Path], object]
    write: Callable[[Path], object]
    found: Callable[[Path], object]
    left: Callable[[Path], list[str]]  # what no run would ever read


@cache
def entry(in_flight: float) -> Measurement:
    """A measurement of one load, all of one machine and one set of settings."""
    found: Measurement = from_data(Measurement, measurement_here(), where="m")
    return replace(found, loads=(replace(found.loads[0], in_flight=in_flight),))


def loads(_: Path) -> object:
    """The loads that the store holds, each of which must still be readable."""
    assert len(store.kept_here().entries) <= 1
    return tuple(load.in_flight for one in store.kept_here().entries for load in one.loads)


def taken(version: str) -> Callable[[Path], object]:
    """An update of the catalogue, once it was fetched and checked."""
    archive = Archive(version=version, date="2030-01-02", files={"scores.json": b"{}"})

    def update(_: Path) -> None:
        bundle.folder().mkdir(parents=True, exist_ok=True)
        install._put(archive, bundle.folder())

    return update


def catalogue(_: Path) -> object:
    """The version that is read, and the folder that `undo` would go back to, without what is random of its name."""
    before, now = install._pointer(bundle.folder() / bundle.CURRENT).get(install.BEFORE), bundle.installed()
    return now.version if now else None, str((before or {}).get("folder")).partition("-")[0]


def streamed(folder: Path) -> None:
    """An answer that is written line by line."""
    with replacing(folder / "answer.csv", overwrite=True) as file:
        for line in LONG.splitlines(keepends=True):
            file.write(line)


def hidden(place: str) -> Callable[[Path], list[str]]:
    """Temporary names below a folder."""
    return lambda folder: [str(path) for path in (folder / place).rglob(".*")]


def unread(folder: Path) -> list[str]:
    """Folders of bundles that the pointer does not name, and temporary names."""
    top = bundle.folder()
    pointer = (top / bundle.CURRENT).read_text()
    return [path.name for path in top.iterdir() if path.is_dir() and path.name not in pointer] + hidden("data")(folder)


WRITERS = {
    "store of measurements, killed": Writer(
        lambda _: store.keep(entry(1.0)), lambda _: store.keep(entry(8.0)), loads, hidden("data")
    ),
    "an answer in a file, killed": Writer(
        lambda folder: (folder / "answer.csv").write_text("before\n"), streamed,
        lambda folder: (folder / "answer.csv").read_text(), hidden("."),
    ),
    "a profile or page, killed": Writer(
        lambda folder: (folder / "p.yaml").write_text("before\n"),
        lambda folder: write_atomically(folder / "p.yaml", LONG, overwrite=True),
        lambda folder: (folder / "p.yaml").read_text(), hidden("."),
    ),
    "update of the catalogue, killed": Writer(taken(FIRST), taken(SECOND), catalogue, unread),
    "way back of the catalogue, killed": Writer(
        lambda folder: (taken(FIRST)(folder), taken(SECOND)(folder)), lambda _: install.undo(), catalogue, lambda _: []
    ),
}  # fmt: skip


def aged(folder: Path) -> None:
    """What is there was written an hour ago: a temporary file of a run that still lives is left alone."""
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 3600,) * 2, follow_symlinks=False)


@pytest.mark.parametrize("name", WRITERS)
def test_killed_anywhere_it_is_old_or_new(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """At each touch of the file system a kill leaves what was there or what comes; the next run leaves nothing else."""
    writer, before = WRITERS[name], offspring(tmp_path)
    seen: set[Any] = set()
    for point in range(10_000):
        folder = tmp_path / str(point)
        folder.mkdir()
        monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
        bundle.active.cache_clear()
        writer.before(folder)
        old = writer.found(folder)
        killed = killed_at(point, lambda folder=folder: writer.write(folder))  # type: ignore[misc]
        found = writer.found(folder)
        seen.add(found)
        if not killed:
            assert found != old
            break
        aged(folder)
        if not name.startswith("way back"):  # gone twice it would lead further back
            writer.write(folder)
        assert not writer.left(folder), point
    assert point > 3 and offspring(tmp_path) <= before
    assert seen == {old, found}, seen
    line = row(name, "at every touch of the file system", lost_files=0, left_processes=0)
    hold(line, update=pytestconfig.getoption("--update-golden"))
