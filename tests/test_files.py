"""Files are written whole or not at all, and what a person wrote is never lost."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import BadInput, EnvironmentFailed
from advisor.folder import atomic
from advisor.folder.write import MANIFEST, changed_by_a_person, write_atomically, write_tree
from advisor.schema import RenderedFile

needs_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write into read-only folders")


def rendered(**texts: str) -> list[RenderedFile]:
    """Files by name; `__` stands for the slash."""
    return [RenderedFile(path=name.replace("__", "/"), text=text) for name, text in texts.items()]


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder except the manifest, with its text."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def leftovers(folder: Path) -> list[str]:
    """Temporary names that should be gone."""
    return [path.name for path in folder.rglob(".*") if path.name != MANIFEST]


class DiskFull:
    """Writing works until it has been asked often enough."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.real = atomic.write_new

    def __call__(self, path: Path, text: str, *, executable: bool) -> None:
        """Write, or fail half-way through a file."""
        if self.left == 0:
            self.real(path, text[: len(text) // 2], executable=executable)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        self.left -= 1
        self.real(path, text, executable=executable)


# --- one file ---------------------------------------------------------------------------------------


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    """Missing folders are made, and nothing temporary stays."""
    write_atomically(tmp_path / "a/b/hw.json", "{}\n", overwrite=False)
    assert tree(tmp_path) == {"a/b/hw.json": "{}\n"}
    assert leftovers(tmp_path) == []


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    """Exit 2 with the path and what to do; the old content stays."""
    path = tmp_path / "hw.json"
    path.write_text("mine")
    with pytest.raises(BadInput, match=r"hw\.json: exists already.*--force"):
        write_atomically(path, "{}", overwrite=False)
    assert path.read_text() == "mine"


def test_the_same_text_is_no_conflict(tmp_path: Path) -> None:
    """Writing twice is allowed and touches nothing the second time."""
    path = tmp_path / "hw.json"
    write_atomically(path, "{}", overwrite=False)
    before = path.stat()
    write_atomically(path, "{}", overwrite=False)
    assert path.stat().st_ino == before.st_ino


def test_overwriting_keeps_the_permissions(tmp_path: Path) -> None:
    """A file that its owner made private stays private."""
    path = tmp_path / "hw.json"
    path.write_text("old")
    path.chmod(0o600)
    write_atomically(path, "new", overwrite=True)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    """As if an editor had made it."""
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "hw.json", "{}", overwrite=False)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "hw.json").stat().st_mode) == 0o640


def test_a_deployment_folder_is_readable_whatever_the_umask(tmp_path: Path) -> None:
    """Containers read the files as somebody else: with umask 077 all of them are readable, at first and again."""
    first = [RenderedFile(path="a/b/c.yml", text="1"), RenderedFile(path="run.sh", text="2", executable=True)]
    old = os.umask(0o077)
    try:
        write_tree(tmp_path / "d", first, overwrite=False)
        write_tree(tmp_path / "d", [*first, RenderedFile(path="x/y.yml", text="3")], overwrite=True)
    finally:
        os.umask(old)
    modes = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    folders = {"d", "d/a", "d/a/b", "d/x"}
    assert {name: mode for name, mode in modes.items() if name in folders} == dict.fromkeys(folders, 0o755)
    assert modes["d/a/b/c.yml"] == modes["d/x/y.yml"] == 0o644 and modes["d/run.sh"] == 0o755


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Even --force does not replace a folder by a file."""
    (tmp_path / "hw.json").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        write_atomically(tmp_path / "hw.json", "{}", overwrite=True)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A path through a file is bad input, and the message names what is in the way."""
    (tmp_path / "deploy").write_text("a file")
    with pytest.raises(BadInput, match=r"hw\.json.*deploy.* is in the way"):
        write_atomically(tmp_path / "deploy/hw.json", "{}", overwrite=True)


def test_a_link_is_replaced_not_written_through(tmp_path: Path) -> None:
    """What the link leads to is somebody else's."""
    (tmp_path / "other").write_text("precious")
    (tmp_path / "hw.json").symlink_to(tmp_path / "other")
    with pytest.raises(BadInput, match="exists already"):
        write_atomically(tmp_path / "hw.json", "{}", overwrite=False)
    write_atomically(tmp_path / "hw.json", "{}", overwrite=True)
    assert (tmp_path / "other").read_text() == "precious"
    assert not (tmp_path / "hw.json").is_symlink()


def test_a_link_that_leads_nowhere_takes_the_name(tmp_path: Path) -> None:
    """A dangling link exists too."""
    (tmp_path / "hw.json").symlink_to(tmp_path / "gone")
    with pytest.raises(BadInput, match="exists already"):
        write_atomically(tmp_path / "hw.json", "{}", overwrite=False)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3 with path and reason, the old content, and no temporary file."""
    path = tmp_path / "hw.json"
    path.write_text("old")
    monkeypatch.setattr(atomic, "write_new", DiskFull(after=0))
    with pytest.raises(EnvironmentFailed, match=r"hw\.json: cannot be written \(No space left on device"):
        write_atomically(path, "new text", overwrite=True)
    assert tree(tmp_path) == {"hw.json": "old"}


def test_the_system_may_refuse_even_root() -> None:
    """/proc takes no files from anybody."""
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc")
    with pytest.raises(EnvironmentFailed, match=r"/proc/advisor/hw\.json: cannot be written"):
        write_atomically(Path("/proc/advisor/hw.json"), "{}", overwrite=True)


@needs_user
def test_a_read_only_folder_is_a_failed_environment(tmp_path: Path) -> None:
    """Exit 3 with the reason in the system's words."""
    (tmp_path / "ro").mkdir(mode=0o500)
    with pytest.raises(EnvironmentFailed, match="Permission denied"):
        write_atomically(tmp_path / "ro/hw.json", "{}", overwrite=False)
    with pytest.raises(EnvironmentFailed, match="Permission denied"):
        write_tree(tmp_path / "ro/deploy", rendered(a="1"), overwrite=False)


def test_a_refused_permission_is_a_failed_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as seen by root, for whom no folder is read-only."""

    def refuse(path: Path, text: str, *, executable: bool) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(atomic, "write_new", refuse)
    with pytest.raises(EnvironmentFailed, match="Permission denied"):
        write_tree(tmp_path / "deploy", rendered(a="1"), overwrite=False)
    assert list(tmp_path.iterdir()) == []


# --- a folder ---------------------------------------------------------------------------------------


def test_a_folder_is_written_with_its_manifest(tmp_path: Path) -> None:
    """Files, subfolders, execute bits, and the hash of each file."""
    files = [RenderedFile(path="run.sh", text="#!/bin/sh\n", executable=True), *rendered(smoke__a="1")]
    done = write_tree(tmp_path / "deploy", files, overwrite=False)
    assert tree(tmp_path / "deploy") == {"run.sh": "#!/bin/sh\n", "smoke/a": "1"}
    assert done.written == ("run.sh", "smoke/a")
    assert os.access(tmp_path / "deploy/run.sh", os.X_OK)
    assert not os.access(tmp_path / "deploy/smoke/a", os.X_OK)
    assert set(json.loads((tmp_path / "deploy" / MANIFEST).read_text())["files"]) == {"run.sh", "smoke/a"}
    assert leftovers(tmp_path) == []


def test_the_same_folder_twice_changes_nothing(tmp_path: Path) -> None:
    """No --force is needed where nothing differs."""
    write_tree(tmp_path / "d", rendered(a="1", b="2"), overwrite=False)
    done = write_tree(tmp_path / "d", rendered(a="1", b="2"), overwrite=False)
    assert (done.written, done.unchanged, done.backups) == ((), ("a", "b"), ())


def test_files_that_differ_refuse_the_whole_call(tmp_path: Path) -> None:
    """Where a person changed one: nothing is written, not even the new file, and the message names it."""
    write_tree(tmp_path / "d", rendered(a="1", b="2"), overwrite=False)
    (tmp_path / "d/b").write_text("mine")
    with pytest.raises(BadInput, match=r"d: holds what .* a person changed since: b\..*--out.*--force"):
        write_tree(tmp_path / "d", rendered(a="other", b="other", c="3"), overwrite=False)
    assert tree(tmp_path / "d") == {"a": "1", "b": "mine"}


def test_an_untouched_folder_is_swapped_and_the_plan_before_is_kept(tmp_path: Path) -> None:
    """A second run replaces, adds and removes without being told to; the plan that goes lies beside the new one."""

    def files(version: str, **more: str) -> list[RenderedFile]:
        return [RenderedFile(path="plan.json", text=version), *rendered(**more)]

    folder = tmp_path / "d"
    write_tree(folder, files("one", a="1", old="o"), overwrite=False)
    assert write_tree(folder, files("two", a="2"), overwrite=False).removed == ("old",)
    assert tree(folder) == {"plan.json": "two", "plan.before.json": "one", "a": "2"}
    write_tree(folder, files("two", a="2"), overwrite=False)
    assert tree(folder)["plan.before.json"] == "one"
    (folder / "plan.before.json").write_text("mine")
    with pytest.raises(BadInput, match=r"plan\.before\.json"):
        write_tree(folder, files("three", a="2"), overwrite=False)


def test_a_folder_that_was_never_ours_is_safe(tmp_path: Path) -> None:
    """Without a manifest every file counts as a person's."""
    (tmp_path / "a").write_text("mine")
    with pytest.raises(BadInput, match="changed since: a"):
        write_tree(tmp_path, rendered(a="1"), overwrite=False)
    done = write_tree(tmp_path, rendered(a="1"), overwrite=True)
    assert done.backups == ("a.bak-1",)
    assert tree(tmp_path) == {"a": "1", "a.bak-1": "mine"}


def test_what_we_wrote_is_replaced_without_a_backup(tmp_path: Path) -> None:
    """An unchanged file can be rendered again: no copy is needed."""
    write_tree(tmp_path / "d", rendered(a="1"), overwrite=False)
    done = write_tree(tmp_path / "d", rendered(a="2"), overwrite=True)
    assert (done.written, done.backups) == (("a",), ())
    assert tree(tmp_path / "d") == {"a": "2"}


def test_what_a_person_changed_is_kept_each_time(tmp_path: Path) -> None:
    """Every version that a person made has its own number."""
    folder = tmp_path / "d"
    for version in range(3):
        write_tree(folder, rendered(a=f"ours {version}"), overwrite=True)
        (folder / "a").write_text(f"edited {version}")
        assert changed_by_a_person(folder, "a")
    write_tree(folder, rendered(a="last"), overwrite=True)
    assert tree(folder) == {"a": "last", "a.bak-1": "edited 0", "a.bak-2": "edited 1", "a.bak-3": "edited 2"}
    assert not changed_by_a_person(folder, "a")


def test_what_is_no_longer_wanted_goes_unless_a_person_changed_it(tmp_path: Path) -> None:
    """Of earlier files the untouched ones go with their empty folders; edited ones and strangers stay."""
    folder = tmp_path / "d"
    write_tree(folder, rendered(a="1", Modelfile="x", edited="y", sub__deep__z="z"), overwrite=False)
    (folder / "edited").write_text("by hand")
    (folder / "stranger").write_text("not ours")
    done = write_tree(folder, rendered(a="1"), overwrite=True)
    assert (set(done.removed), done.left) == ({"Modelfile", "sub/deep/z"}, ("edited",))
    assert tree(folder) == {"a": "1", "edited": "by hand", "stranger": "not ours"}
    assert not (folder / "sub").exists()


def test_a_refused_call_removes_nothing(tmp_path: Path) -> None:
    """A call that may not replace may not remove either; a later one with --force still can."""
    write_tree(tmp_path / "d", rendered(a="1", old="o"), overwrite=False)
    (tmp_path / "d/a").write_text("mine")
    with pytest.raises(BadInput):
        write_tree(tmp_path / "d", rendered(a="2"), overwrite=False)
    assert (tmp_path / "d/old").exists()
    assert write_tree(tmp_path / "d", rendered(a="2"), overwrite=True).removed == ("old",)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_full_disk_leaves_the_folder_as_it_was(after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the disk fills up, the old files stand complete and nothing temporary stays."""
    write_tree(tmp_path / "d", rendered(a="old a", b="old b"), overwrite=False)
    monkeypatch.setattr(atomic, "write_new", DiskFull(after))
    with pytest.raises(EnvironmentFailed, match="No space left"):
        write_tree(tmp_path / "d", rendered(a="new a", b="new b", c="new c"), overwrite=True)
    assert tree(tmp_path / "d") == {"a": "old a", "b": "old b"}
    assert leftovers(tmp_path) == []


def test_a_full_disk_leaves_no_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder appears complete or not at all."""
    monkeypatch.setattr(atomic, "write_new", DiskFull(after=1))
    with pytest.raises(EnvironmentFailed):
        write_tree(tmp_path / "d", rendered(a="1", b="2"), overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    """Bad input, also with --force."""
    (tmp_path / "d").write_text("a file")
    with pytest.raises(BadInput, match="is not a folder"):
        write_tree(tmp_path / "d", rendered(a="1"), overwrite=True)


@pytest.mark.parametrize("name", ["sub", "sub__a"])
def test_a_file_and_a_folder_in_each_others_place(name: str, tmp_path: Path) -> None:
    """A file is not put where a folder is, nor below a file; nothing is touched."""
    if name == "sub":
        (tmp_path / "sub").mkdir()
    else:
        (tmp_path / "sub").write_text("file")
    with pytest.raises(BadInput, match=r"is a (folder where a file|file where a folder) is needed"):
        write_tree(tmp_path, rendered(b="2", **{name: "1"}), overwrite=True)
    assert not (tmp_path / "b").exists()


def test_a_linked_folder_is_written_where_it_leads(tmp_path: Path) -> None:
    """deploy may be a link to a larger disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "deploy").symlink_to(tmp_path / "disk")
    write_tree(tmp_path / "deploy", rendered(a="1"), overwrite=False)
    assert tree(tmp_path / "disk") == {"a": "1"}


def test_a_link_inside_is_not_followed(tmp_path: Path) -> None:
    """Files stay inside the folder, whatever lies there."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "d").mkdir()
    (tmp_path / "d/sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="is a link"):
        write_tree(tmp_path / "d", rendered(sub__a="1"), overwrite=True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_linked_file_is_kept_as_a_link(tmp_path: Path) -> None:
    """With --force our file takes the name, the link becomes the backup, and its target stays."""
    (tmp_path / "target").write_text("precious")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").symlink_to(tmp_path / "target")
    done = write_tree(tmp_path / "d", rendered(a="1"), overwrite=True)
    assert done.backups == ("a.bak-1",)
    assert (tmp_path / "d/a.bak-1").is_symlink()
    assert (tmp_path / "d/a").read_text() == "1"
    assert (tmp_path / "target").read_text() == "precious"


@pytest.mark.parametrize("path", ["../a", "/etc/a", "a/../../b", "", MANIFEST])
def test_no_path_leads_out_of_the_folder(path: str, tmp_path: Path) -> None:
    """Not even one that stands in somebody's plan.json."""
    with pytest.raises(BadInput, match="not a path inside"):
        write_tree(tmp_path / "d", [RenderedFile(path=path, text="x")], overwrite=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"files": 3}', '{"files": {"../a": "0"}}'])
def test_a_broken_manifest_makes_every_file_a_persons(text: str, tmp_path: Path) -> None:
    """When in doubt, what is there is kept; nothing outside is removed."""
    folder = tmp_path / "d"
    write_tree(folder, rendered(a="1"), overwrite=False)
    (tmp_path / "a").write_text("outside")
    (folder / MANIFEST).write_text(text)
    assert write_tree(folder, rendered(a="2"), overwrite=True).backups == ("a.bak-1",)
    assert (tmp_path / "a").read_text() == "outside"


def test_without_hard_links_the_backup_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems (FAT, some network shares) have none."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_text("mine")
    write_tree(tmp_path, rendered(a="1"), overwrite=True)
    assert tree(tmp_path) == {"a": "1", "a.bak-1": "mine"}


def test_an_execute_bit_that_was_lost_comes_back(tmp_path: Path) -> None:
    """A script with the right text and the wrong mode is put right."""
    files = [RenderedFile(path="run.sh", text="#!/bin/sh\n", executable=True)]
    write_tree(tmp_path / "d", files, overwrite=False)
    (tmp_path / "d/run.sh").chmod(0o644)
    write_tree(tmp_path / "d", files, overwrite=False)
    assert stat.S_IMODE((tmp_path / "d/run.sh").stat().st_mode) == 0o755


NAMES = st.sampled_from(["a", "b", "sub/c", "sub/d"])
TEXTS = st.sampled_from(["one\n", "two\n", "drei ü\n"])
STEP = st.one_of(st.dictionaries(NAMES, TEXTS, min_size=1), st.tuples(NAMES, TEXTS))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(steps=st.lists(STEP, max_size=6))
def test_nothing_that_a_person_wrote_is_ever_lost(
    steps: list[dict[str, str] | tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After any mixture of our calls and a person's edits, every edited text is still in the folder."""
    folder = tmp_path_factory.mktemp("any") / "d"
    folder.mkdir()
    edited: dict[str, str] = {}
    for step in steps:
        if isinstance(step, dict):
            files = [RenderedFile(path=path, text=text) for path, text in step.items()]
            write_tree(folder, files, overwrite=True)
            assert {path: tree(folder)[path] for path in step} == step
        else:
            path, text = step
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(f"{text} by hand")
            edited[path] = f"{text} by hand"
        kept = tree(folder)
        for path, text in edited.items():
            assert any(text == found for name, found in kept.items() if name.startswith(path))
