"""A smoke test that is killed: nothing of it goes on, and the next one finds and ends what is left all the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.edge.children import members, run
from advisor.smoke.runners import runner_for
from advisor.smoke.runners.processes import listener, starts
from advisor.smoke.runners.record import end_remembered, place
from tests.smoke.test_faults import MAIN, deployment, planned, step
from tests.smoke.test_faults import run as smoke_test

__all__ = ["deployment"]


def wait_for(file: Path) -> None:
    """Until a file is there."""
    end = time.monotonic() + 60
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < end, f"no {file}"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes that one began and that live."""
    listed = run(["ps", "-A", "-o", "pid=,ppid=,comm="], limit_s=10).out
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [int(child) for child, parent, name in rows if int(parent) == pid and name.strip() == "sh"]


def killed(folder: Path, *, guard_first: bool) -> int:
    """Kill a smoke test while its engine starts, its guard before it where asked; the session that it had begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, str(folder), "--no-load"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "FAKE_FAULT": "hangs"},
    )  # fmt: skip
    wait_for(folder / "state" / "engine.started")
    time.sleep(1.0)
    session: int = json.loads(place(folder).read_text())["session"]
    for guard in children(process.pid) if guard_first else ():
        os.kill(guard, signal.SIGKILL)
    process.kill()
    process.wait(timeout=20)
    return session


def test_a_killed_smoke_test_takes_its_engine_along(deployment: Path) -> None:
    """After SIGKILL of the program alone, engine and run.sh are gone within seconds."""
    session = killed(deployment, guard_first=False)
    end = time.monotonic() + 10
    while members(session) and time.monotonic() < end:
        time.sleep(0.1)
    assert not members(session)


def test_the_next_run_ends_what_is_left(deployment: Path) -> None:
    """Where even the guard was killed the engine lives on; the next smoke test ends it, says so, and passes."""
    session = killed(deployment, guard_first=True)
    assert members(session) and (deployment / "state" / "engine.pid").exists()
    report = smoke_test(deployment, load=False)
    assert "what a killed run had left was ended first" in step(report, "preflight").detail
    assert report.exit_code == 0 and not place(deployment).exists()
    assert not members(session)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own that no smoke test began."""
    process = subprocess.Popen(["sleep", "321"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("kind", ["started at another time", "another session", "no process", "not a record", "a pipe"])
def test_a_process_of_another_is_left_alone(kind: str, stranger: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """A number that was given again, a session that holds no process of the record, an odd record: nothing is ended."""
    pid, file = stranger.pid, tmp_path / "session.json"
    began = starts([pid])[pid]
    records: dict[str, object] = {
        "started at another time": {"session": pid, "processes": {str(pid): "Mon Jan 1 00:00:00 2024"}},
        "another session": {"session": os.getsid(0), "processes": {str(pid): began}},
        "no process": {"session": pid, "processes": {}},
        "not a record": [{"session": "x" * 1000}],
    }
    if kind in records:
        file.write_text(json.dumps(records[kind]))
    else:
        os.mkfifo(file)
    assert not end_remembered(file)
    assert stranger.poll() is None


def test_what_a_killed_run_was_writing_is_gone(tmp_path: Path) -> None:
    """A record or a report that was half written goes with the next run; a person's file of a like name stays."""
    ours = [tmp_path / name for name in (".session.json.132a81d2", ".report.json.0123abcd", ".report.md.89abcdef")]
    theirs = [tmp_path / name for name in (".notes.132a81d2", ".session.json.bak", "report.json.132a81d2")]
    for path in (*ours, *theirs):
        path.write_text("half")
    assert not end_remembered(tmp_path / "session.json")
    assert sorted(tmp_path.iterdir()) == sorted(theirs)


def test_a_second_smoke_test_of_a_folder_waits_for_nobody(deployment: Path) -> None:
    """While one smoke test of a folder goes on, another one refuses, says whose process it is, and ends nothing."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, str(deployment), "--no-load"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "FAKE_FAULT": "hangs"},
    )  # fmt: skip
    wait_for(deployment / "state" / "engine.started")
    time.sleep(1.0)
    report = smoke_test(deployment, load=False)
    assert f"another smoke test of this folder runs (process {process.pid})" in step(report, "preflight").detail
    assert report.exit_code == 3 and process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    assert not listener(planned(deployment).launch.port)


def test_containers_of_a_killed_run_are_removed(
    deployment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers that bear a smoke test's own file are taken down by the next one; a deployment's own stay."""
    said = tmp_path / "said"
    stub = tmp_path / "bin" / "docker"
    stub.write_text(f'#!/bin/sh\necho "$*" >>{said}\ncase "$*" in *" ps "*) cat {tmp_path}/ps;; esac\n')
    stub.chmod(0o755)
    runner = runner_for("compose", planned(deployment), deployment)
    for files, ended in (("compose.yaml", False), (f"compose.yaml,{deployment.resolve()}/smoke/no-restart.yaml", True)):
        (tmp_path / "ps").write_text(json.dumps({"Labels": f"com.docker.compose.project.config_files={files}"}) + "\n")
        said.write_text("")
        assert runner.recover() is ended
        assert (" down " in said.read_text()) is ended
