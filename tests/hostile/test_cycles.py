"""Started and stopped again and again, and interrupted at any moment: no process, port or file is left."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from advisor.smoke.runners import runner_for
from advisor.smoke.runners.processes import listener, living
from tests.hostile.table import hold, row
from tests.smoke.test_faults import MAIN, deployment, planned

__all__ = ["deployment"]

NIGHTLY = bool(os.environ.get("ADVISOR_NIGHTLY"))
CYCLES, INTERRUPTS = 200 if NIGHTLY else 25, 30
# An engine that answers /health at once, with a worker of its own; its number of processes is that of the real one.
ENGINE = """#!/usr/bin/env -S {python} -IS
import os, socket, subprocess, sys
if "--port" not in sys.argv:
    sys.exit(print("0.33.0"))
worker = subprocess.Popen(["sh", "-c", "while :; do /bin/sleep 321; done"])
server = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
while True:
    client, _ = server.accept()
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{{}}")
    client.close()
"""


@pytest.fixture
def quick(deployment: Path, tmp_path: Path) -> Path:
    """The folder with an engine that is there at once, and scripts that do not wait long between two looks."""
    for name, text in {
        "vllm": ENGINE.format(python=sys.executable),
        "sleep": "#!/bin/sh\nexec /bin/sleep 0.02\n",
    }.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return deployment


def held(folder: Path) -> set[str]:
    """Files of the folder but for logs, which stay for a person to read."""
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return {name for name in found if ".log" not in name}


def left(folder: Path) -> list[str]:
    """Processes and the port of the plan's engine that are still there a moment later."""
    port = planned(folder).launch.port
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = [each.name for each in living() if _works_for(each.pid, folder, port)]
        found += [f"port {port}"] if listener(port) else []
        if not found:
            return []
        time.sleep(0.05)
    return found


def _works_for(pid: int, folder: Path, port: int) -> bool:
    """Whether a process was started for the folder, or in it."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        return f"--port\0{port}" in words or Path(f"/proc/{pid}/cwd").resolve() == folder.resolve()
    return False


def test_cycles_of_start_and_stop_leave_nothing(quick: Path, pytestconfig: pytest.Config) -> None:
    """Again and again (200 times nightly): ready, stopped, and neither a process nor the port nor a file more than before."""
    plan, before = planned(quick), held(quick)
    for number in range(CYCLES):
        runner = runner_for("native", plan, quick)
        runner.start()
        end = time.monotonic() + 30
        while (state := runner.state()) != "ready":
            assert state == "starting" and time.monotonic() < end, (number, state, runner.log())
            time.sleep(0.01)
        runner.stop()
        assert not runner.leftovers(), number
        runner.end()
        assert not listener(plan.launch.port), number
    assert not left(quick) and held(quick) == before
    if not NIGHTLY:
        line = row("start and stop", f"{CYCLES} cycles", lost_files=0, left_processes=0)
        hold(line, update=pytestconfig.getoption("--update-golden"))


def test_interrupts_at_any_moment_leave_nothing(quick: Path, pytestconfig: pytest.Config) -> None:
    """A smoke test that is interrupted, terminated or killed after a random time: nothing of it lives, no file is left."""
    before, dice = held(quick), random.Random(0)
    for number in range(INTERRUPTS):
        said = signal.SIGKILL if number % 3 == 2 else signal.SIGTERM if number % 3 else signal.SIGINT
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, str(quick), "--no-load", "--trust-files"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ),
        )  # fmt: skip
        time.sleep(dice.random() * 2.0)
        process.send_signal(said)
        process.wait(timeout=60)
        assert not left(quick), (number, said)
    runner = runner_for("native", planned(quick), quick)
    runner.recover()  # as the next run does
    runner.end()
    more = {name for name in held(quick) - before if not name.startswith("smoke/report")}  # of those that got so far
    assert more <= {"state/engine.pid", "state/engine.started"}, more  # of one killed: run.sh knows them for another's
    line = row("smoke test, interrupted", f"{INTERRUPTS} moments", lost_files=0, left_processes=0)
    hold(line, update=pytestconfig.getoption("--update-golden"))
