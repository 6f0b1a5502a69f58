"""`advisor catalog update`: a bundle is taken whole, or everything stays as it was."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from advisor.bundles import archive, fetch, install
from advisor.catalog import bundle
from advisor.errors import BadInput, EnvironmentFailed
from advisor.refresh.__main__ import changes, facts, next_version

LATER = "2030.1.2"


def packed(version: str = LATER, **other: bytes) -> bytes:
    """The facts of this checkout as a bundle of another day, with files in place of others."""
    files = {**facts(), **{name.replace("__", "."): content for name, content in other.items()}}
    return archive.pack(version, version.replace(".", "-", 1).replace("-1.2", "-01-02"), files)


def repacked(content: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """The zip with files changed, added or taken away behind the manifest's back."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, text in files.items():
            new.writestr(name, text)
    return out.getvalue()


def manifest(**other: Any) -> Callable[[dict[str, bytes]], object]:
    """A change of keys of the manifest."""

    def change(files: dict[str, bytes]) -> None:
        files["bundle.json"] = json.dumps(json.loads(files["bundle.json"]) | other).encode()

    return change


def entry(name: str, kind: str, **other: Any) -> bytes:
    """A file of facts with other keys in its first entry."""
    document = json.loads(facts()[name])
    document[kind][0] |= other
    return json.dumps(document).encode()


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Which bundle is read is found out once a process: anew for every test."""
    bundle.active.cache_clear()
    yield
    bundle.active.cache_clear()


@pytest.fixture
def taken(tmp_path: Path) -> bytes:
    """A bundle that was taken before, and the pointer to it."""
    (tmp_path / "before.zip").write_bytes(packed("2029.1.2"))
    install.update(str(tmp_path / "before.zip"))
    bundle.active.cache_clear()
    return pointer()


def pointer() -> bytes:
    """What says which bundle is read."""
    return (bundle.folder() / bundle.CURRENT).read_bytes()


def refused(tmp_path: Path, content: bytes, **asked: Any) -> str:
    """The message that refuses a file."""
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(BadInput) as told:
        install.update(str(tmp_path / "b.zip"), **asked)
    return str(told.value)


FUTURE = {"schema": 2, "needs_advisor": "1.4.0"}
DAMAGED: Mapping[str, tuple[bytes, str]] = {
    "no zip": (b"<html>not found</html>", "is no whole bundle"),
    "nothing": (b"", "is no whole bundle"),
    "cut": (packed()[:-4000], "is no whole bundle"),
    "no manifest": (repacked(packed(), lambda files: files.pop("bundle.json")), "there is no bundle.json in it"),
    "another file than was packed": (
        repacked(packed(), lambda files: files.update({"gpus.json": b"{}"})),
        "gpus.json: SHA-256 is",
    ),
    "a file is missing": (repacked(packed(), lambda files: files.pop("gpus.json")), "gpus.json': is named in"),
    "out of its folder": (repacked(packed(), lambda files: files.update({"../../x": b""})), "holds '../../x'"),
    "an absolute name": (repacked(packed(), lambda files: files.update({"/etc/x": b""})), "holds '/etc/x'"),
    "code": (repacked(packed(), lambda files: files.update({"rules.yaml": b""})), "holds 'rules.yaml'"),
    "from the future": (repacked(packed(), manifest(**FUTURE)), "needs advisor '1.4.0' or newer"),
    "no version": (repacked(packed(), manifest(version="latest")), "version: must be written as in 2026.11.28"),
    "no date": (repacked(packed(), manifest(date=20300102)), "date: must be written as in 2026-11-28"),
    "text for a number": (packed(gpus__json=entry("gpus.json", "gpus", tdp_watts="450")), "0.tdp_watts"),
    "an unknown key": (packed(models__json=entry("models.json", "models", colour="red")), "0.colour: unknown key"),
    "an unknown format": (
        packed(models__json=entry("models.json", "models", native_format="q9")),
        "'q9' is no weights",
    ),
    "an unknown source": (packed(gpus__json=entry("gpus.json", "gpus", source="hearsay")), "'hearsay' is in no table"),
    "a model that is not there": (
        packed(ranking__json=facts()["ranking.json"].replace(b"Qwen/Qwen3.8-27B", b"Qwen/Qwen9")),
        "'Qwen/Qwen9' is in no list of models",
    ),
    "a card twice": (
        packed(gpus_extra__json=entry("gpus_extra.json", "gpus", id=json.loads(facts()["gpus.json"])["gpus"][0]["id"])),
        "stands twice",
    ),
    "older than what is read": (packed("2026.1.2"), "--force takes it all the same"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_bad_bundle_is_refused_in_words_and_the_old_one_stays(tmp_path: Path, taken: bytes, case: str) -> None:
    """Whatever is wrong with a bundle is named, and nothing of it is left on the disk."""
    content, message = DAMAGED[case]
    before = sorted(bundle.folder().rglob("*"))
    assert message in refused(tmp_path, content)
    assert pointer() == taken and sorted(bundle.folder().rglob("*")) == before


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than any bundle is not unpacked to the end."""
    monkeypatch.setattr(archive, "MOST_UNPACKED", 1000)
    assert "unpacks to more than" in refused(tmp_path, packed())


def test_a_newer_bundle_is_read_and_the_way_back_is_kept(tmp_path: Path, taken: bytes) -> None:
    """After an update the new facts are read; `undo` gives those before, then the program's own."""
    (tmp_path / "b.zip").write_bytes(packed())
    install.update(str(tmp_path / "b.zip"))
    bundle.active.cache_clear()
    assert bundle.active().version == LATER and bundle.data_file("gpus.json").parent != bundle.DATA
    assert bundle.data_file("rules.yaml").parent == bundle.DATA
    install.undo()
    bundle.active.cache_clear()
    assert bundle.active().version == "2029.1.2"
    install.undo()
    bundle.active.cache_clear()
    assert bundle.active().packaged
    with pytest.raises(BadInput, match="no bundle was taken"):
        install.undo()


def test_an_older_bundle_is_taken_by_force(tmp_path: Path, taken: bytes) -> None:
    """With --force the older one is read."""
    (tmp_path / "b.zip").write_bytes(packed("2026.1.2"))
    install.update(str(tmp_path / "b.zip"), force=True)
    bundle.active.cache_clear()
    assert bundle.active().version == "2026.1.2"


def test_a_newer_program_does_not_read_an_older_bundle(taken: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the wheel has newer facts by now, they are read."""
    later = bundle.Bundle(version=LATER, date="2030-01-02", folder=bundle.DATA, packaged=True)
    monkeypatch.setattr(bundle, "packaged", lambda: later)
    assert bundle.active().packaged


@pytest.mark.parametrize("step", ["write_new", "write_atomically"])
def test_a_failure_on_the_way_leaves_everything(
    tmp_path: Path, taken: bytes, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A full disk while files are laid or the pointer is turned: the bundle before is read."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "x")

    (tmp_path / "b.zip").write_bytes(packed())
    monkeypatch.setattr(install, step, fail)
    with pytest.raises(EnvironmentFailed, match="No space left"):
        install.update(str(tmp_path / "b.zip"))
    assert pointer() == taken
    bundle.active.cache_clear()
    assert bundle.active().version == "2029.1.2"


def test_a_damaged_pointer_is_no_traceback(taken: bytes) -> None:
    """What cannot be read is passed over: the program's own facts are read."""
    for odd in ("", "[]", "{", '{"schema": 1, "folder": "gone"}', '{"schema": 7}', '"x"', '{"folder": null}'):
        (bundle.folder() / bundle.CURRENT).write_text(odd)
        bundle.active.cache_clear()
        assert bundle.active().packaged, odd


@contextmanager
def served(answer: bytes) -> Iterator[str]:
    """An address that sends these bytes, whatever it is asked, and hangs up."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/catalog.zip"
    finally:
        thread.join()
        server.close()


def _http(content: bytes, announced: int, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n".encode() + content


def test_an_address_that_answers(taken: bytes) -> None:
    """A bundle comes over HTTP as it comes from a file."""
    content = packed()
    with served(_http(content, len(content))) as url:
        assert install.update(url).version == LATER


def test_a_cut_connection_is_the_environment_and_changes_nothing(taken: bytes) -> None:
    """Half a bundle says how much came, and the old one stays."""
    content = packed()
    with served(_http(content[:5000], len(content))) as url, pytest.raises(EnvironmentFailed, match="5,000 of"):
        install.update(url)
    assert pointer() == taken


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (_http(b"no", 2, "404 Not Found"), "HTTP 404"),
        (b"", "does not answer"),
        (b"SSH-2.0-OpenSSH\r\n", "does not answer"),
    ],
)
def test_an_address_without_a_bundle(answer: bytes, message: str) -> None:
    """Another status, a hang-up and another protocol are told, as failures of the environment."""
    with served(answer) as url, pytest.raises(EnvironmentFailed, match=message):
        install.update(url)


def test_more_than_a_bundle_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless answer ends at the size that no bundle has."""
    monkeypatch.setattr(fetch, "MOST_BYTES", 1000)
    with served(_http(b"x" * 5000, 5000)) as url, pytest.raises(BadInput, match="no bundle is as large"):
        install.update(url)


@pytest.mark.parametrize("where", ["ftp://x/y.zip", "file:///etc/passwd", "gopher://x", "https://"])
def test_other_addresses_are_bad_input(where: str) -> None:
    """Only files, https and http are read."""
    with pytest.raises((BadInput, EnvironmentFailed)) as told:
        install.update(where)
    assert where == "https://" or isinstance(told.value, BadInput)


def test_the_command_has_its_exit_codes(tmp_path: Path) -> None:
    """A missing file is 2, an address that nobody answers 3, no address at all 2 with where to name one."""
    for given, code, told in (
        (["--from", str(tmp_path / "none.zip")], 2, "cannot be read"),
        (["--from", "http://127.0.0.1:9/x.zip"], 3, "does not answer"),
        ([], 2, "no published address"),
    ):
        command = [sys.executable, "-m", "advisor.cli", "catalog", "update", *given]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, told in done.stderr, done.stdout) == (code, True, ""), done.stderr


def test_what_changed_is_told_entry_by_entry() -> None:
    """The report of `advisor.refresh` names what was added, what went and which keys changed."""
    before, after = facts(), dict(facts())
    document = json.loads(after["gpus.json"])
    gone = document["gpus"].pop()
    document["gpus"][0]["tdp_watts"] = 1.0
    document["gpus"].append(gone | {"id": "new-card"})
    after["gpus.json"] = json.dumps(document).encode()
    told = "\n".join(changes(before, after))
    assert "added new-card" in told and f"removed {gone['id']}" in told and "-> 1.0" in told
    assert list(changes(before, before)) == []


def test_versions_follow_the_day() -> None:
    """A bundle of another day has that day's version, a second one of the same day a number behind it."""
    from datetime import date

    assert next_version("2026.11.28", date(2026, 12, 1)) == "2026.12.01"
    assert next_version("2026.12.01", date(2026, 12, 1)) == "2026.12.01.1"
    assert next_version("2026.12.01.1", date(2026, 12, 1)) == "2026.12.01.2"
    assert bundle.order("2026.12.01.2") > bundle.order("2026.12.01")
