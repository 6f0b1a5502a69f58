"""What exists is whole until what takes its place is; one writer at a time; no path leads out of a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from advisor.edge.reading import not_itself
from advisor.errors import BadInput, EnvironmentFailed
from advisor.folder.lock import locked
from advisor.folder.write import MANIFEST, replacing, write_tree
from advisor.schema import RenderedFile

FILES = [RenderedFile(path="a.txt", text="a\n")]


def test_a_file_is_replaced_only_when_its_successor_is_whole(tmp_path: Path) -> None:
    """An error half-way leaves what was there, and nothing beside it."""
    path = tmp_path / "f"
    path.write_text("precious\n")
    with pytest.raises(ZeroDivisionError), replacing(path, overwrite=True) as file:
        file.write(f"half{1 // 0}")
    assert path.read_text() == "precious\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_another_is_kept_and_an_own_one_replaced(tmp_path: Path) -> None:
    """Without `overwrite` only a file that begins as ours do is replaced; never the file that is read."""
    path = tmp_path / "f"
    path.write_text("precious\n")
    with pytest.raises(BadInput, match="--force"), replacing(path, overwrite=False, own="ours\n"):
        pass
    path.write_text("ours\nold\n")
    with replacing(path, overwrite=False, own="ours\n") as file:
        file.write("ours\nnew\n")
    assert path.read_text() == "ours\nnew\n"
    with pytest.raises(BadInput, match="is the file that is read"):
        not_itself(path, tmp_path / "." / "f", "--out")


def test_a_device_is_never_replaced() -> None:
    """`--out /dev/null --force` is refused: a device is no file that could be moved over."""
    with pytest.raises(BadInput, match="a device"), replacing(Path("/dev/null"), overwrite=True):
        pass
    assert Path("/dev/null").is_char_device()


def test_nothing_is_removed_behind_a_link(tmp_path: Path) -> None:
    """A manifest that names a file behind a link in the folder does not have it removed."""
    victim = tmp_path / "victim/.bashrc"
    victim.parent.mkdir()
    victim.write_text("mine\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/link").symlink_to("../victim")
    known = {"link/.bashrc": hashlib.sha256(b"mine\n").hexdigest()}
    (tmp_path / "d" / MANIFEST).write_text(json.dumps({"schema_version": 1, "files": known}))
    write_tree(tmp_path / "d", FILES, overwrite=True)
    assert victim.read_text() == "mine\n"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Stages of runs that were killed are gone after the next one; other hidden folders stay."""
    for name in (".advisor-deadbeef", ".advisor-mine"):
        (tmp_path / "d" / name).mkdir(parents=True)
    write_tree(tmp_path / "d", FILES, overwrite=True)
    assert {path.name for path in (tmp_path / "d").iterdir()} == {"a.txt", ".advisor-mine", MANIFEST}


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    """A second writer waits, says so in the end, and comes in once the first is done."""
    with locked(tmp_path), pytest.raises(EnvironmentFailed, match="another run"), locked(tmp_path, patience_s=0.2):
        pass
    with locked(tmp_path, patience_s=0.0) as alone:
        assert alone
