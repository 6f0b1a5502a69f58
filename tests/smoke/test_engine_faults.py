"""Faults put into deployments of the real engines: the right message, the right exit code, a clean machine."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.schema import Plan
from advisor.smoke.job import Options, Progress
from advisor.smoke.outcome import SmokeReport, StepResult
from advisor.smoke.run import smoke
from advisor.smoke.runners import processes, runner_for

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]

Make = Callable[..., tuple[Plan, Path]]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a mount or a control group of its own")
OPTIONS = Options(levels=(1, 4), seconds_per_level=8, requests_per_client=3, trust_files=True)
MAIN = "from advisor.cli import main; main()"


@pytest.fixture(autouse=True)
def clean_machine(tmp_path: Path) -> Iterator[None]:
    """Nothing listens on the engines' ports before and after, and no process of the test lives after it."""
    assert not listening(), "something listens before the test begins"
    yield
    assert not listening()
    assert not started_with(f"OLLAMA_MODELS={tmp_path}")


def listening() -> list[int]:
    """Those of the engines' ports that something listens on."""
    return [port for port in (8000, 11434) if processes.listener(port)]


def started_with(variable: str) -> list[str]:
    """Processes with that in their environment, by their command lines; not this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ours = variable.encode() in (entry / "environ").read_bytes() and entry.name != str(os.getpid())
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if ours and "living=" not in line:  # the guard of our own children, which ends with this process
            found.append(line[:80])
    return found


class During(Progress):
    """Does something once, as soon as a moment of the smoke test has come."""

    def __init__(self, moment: Callable[[str, str, float], bool], deed: Callable[[], None]) -> None:
        self._moment, self._deed, self._done, self._step = moment, deed, False, ""

    def step(self, name: str) -> None:
        """Remember where we are."""
        self._step = name

    def note(self, text: str, share: float | None = None) -> None:
        """Look whether it is time."""
        if not self._done and self._moment(self._step, text, share or 0.0):
            self._done = True
            self._deed()


def step(report: SmokeReport, name: str) -> StepResult:
    """One step of a report."""
    return next(found for found in report.steps if found.name == name)


def run(runner: str, made: tuple[Plan, Path], progress: Progress | None = None, **options: object) -> SmokeReport:
    """A smoke test with short loads."""
    plan, folder = made
    return smoke(plan, folder, runner_for(runner, plan, folder), replace(OPTIONS, **options), progress)  # type: ignore[arg-type]


def in_file(path: Path, old: str, new: str) -> None:
    """Change a rendered file by hand."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(params=["native", "compose"])
def ollama(request: pytest.FixtureRequest, make: Make) -> tuple[str, tuple[Plan, Path]]:
    """A runner, and a plan for Ollama with its folder: what takes seconds is tried both ways."""
    made = make("ollama", 4)
    if request.param == "compose":
        request.getfixturevalue("docker").stand_in(*made)
    return request.param, made


def test_port_taken(ollama: tuple[str, tuple[Plan, Path]]) -> None:
    """Something else listens on the port: found before the start, and left alone."""
    runner, made = ollama
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", made[0].launch.port))
        other.listen()
        report = run(runner, made)
        assert "port 11434 is taken" in step(report, "preflight").detail
        assert processes.listener(made[0].launch.port)
    assert report.exit_code == 3 and step(report, "start").result == "skipped"


def test_port_taken_after_preflight(make: Make) -> None:
    """The port is taken between preflight and start: run.sh refuses, and the other program is left alone."""
    made = make("ollama", 4)
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    script = made[1] / "run.sh"
    in_file(script, "set -euo pipefail\n", "set -euo pipefail\nuntil [ -e go ]; do sleep 0.1; done\n")

    def take() -> None:
        other.bind(("127.0.0.1", made[0].launch.port))
        other.listen()
        (made[1] / "go").touch()

    with other:
        report = run("native", made, During(lambda name, *_: name == "healthy", take))
        assert "port taken: run.sh: port 11434 is taken" in step(report, "healthy").detail
    assert report.exit_code == 3


def test_model_missing(ollama: tuple[str, tuple[Plan, Path]]) -> None:
    """The model's file is gone: found before the start, with its path."""
    runner, (plan, folder) = ollama
    report = run(runner, (replace(plan, model=replace(plan.model, path="/no/such.gguf")), folder))
    assert "missing model: /no/such.gguf" in step(report, "preflight").detail
    assert report.exit_code == 3 and step(report, "start").result == "skipped"


def test_model_missing_when_loaded(ollama: tuple[str, tuple[Plan, Path]]) -> None:
    """The file named in the Modelfile is not there: the engine's own words say so."""
    runner, (plan, folder) = ollama
    path = str(plan.model.path)
    in_file(folder / "Modelfile", path, "/no/such.gguf")
    report = run(runner, (plan, folder))
    assert step(report, "healthy").detail.startswith("missing model: ")
    assert report.exit_code == 3 and step(report, "clean").result == "pass"


@pytest.mark.parametrize("runner", ["native", "compose"])
def test_wrong_flag(runner: str, make: Make, request: pytest.FixtureRequest) -> None:
    """A flag that vLLM does not know was written into the file: the step quotes it, without waiting out its patience."""
    plan, folder = make("vllm", 1)
    if runner == "compose":
        request.getfixturevalue("docker").stand_in(plan, folder)
    name = "run.sh" if runner == "native" else "compose.yaml"
    in_file(folder / name, "--max-num-queued-reqs", "--max-num-queued-wishes")
    report = run(runner, (plan, folder))
    assert "unknown flag: " in step(report, "healthy").detail
    assert "--max-num-queued-wishes" in step(report, "healthy").detail
    assert report.exit_code == 3 and step(report, "clean").result == "pass"
    assert step(report, "healthy").seconds < plan.launch.startup_s / 2


def test_killed_while_loading(make: Make) -> None:
    """vLLM's server is killed while its engine loads: noticed at once, and the engine's own process is gone too."""
    made = make("vllm", 1)

    def kill() -> None:
        os.kill(int((made[1] / "state" / "engine.pid").read_text()), signal.SIGKILL)

    loading = During(lambda name, text, _: name == "healthy" and bool(text), kill)
    report = run("native", made, loading)
    assert step(report, "healthy").result == "fail"
    assert "the engine ended" in step(report, "healthy").detail
    assert report.exit_code == 3 and step(report, "clean").result == "pass"


def test_killed_under_load(ollama: tuple[str, tuple[Plan, Path]], request: pytest.FixtureRequest) -> None:
    """The server is killed in the middle of a load: counted errors, the rest left out, exit code 1, all gone."""
    runner, made = ollama

    def kill() -> None:
        if runner == "native":
            os.kill(int((made[1] / "state" / "engine.pid").read_text()), signal.SIGKILL)
        else:
            docker = request.getfixturevalue("docker")
            docker("kill", next(name for name in docker.left() if "-engine-" in name))

    in_the_middle = During(lambda name, _, share: name == "load 4" and share > 0.2, kill)
    report = run(runner, made, in_the_middle, seconds_per_level=300)  # on a busy machine too: all requests are sent
    assert step(report, "load 1").result == "pass"
    load = step(report, "load 4")
    assert load.result == "fail" and "the engine has ended" in load.detail
    assert report.loads[-1].errors
    assert step(report, "stop under load").result == "skipped"
    assert report.exit_code == 1 and step(report, "clean").result == "pass"


def test_no_memory_in_a_container(docker, make: Make) -> None:  # type: ignore[no-untyped-def]
    """The container's limit is below the model's size: the kernel's own count says what happened."""
    plan, folder = make("ollama", 4)
    docker.stand_in(plan, folder, mem_limit="96m", memswap_limit="96m")
    report = run("compose", (plan, folder))
    assert "out of memory: the kernel ended" in step(report, "healthy").detail
    assert report.exit_code == 3 and step(report, "clean").result == "pass"


@ROOT
def test_no_memory_in_a_control_group(make: Make, tmp_path: Path) -> None:
    """A limit on this very process and its children: preflight gives what is available and what is planned."""
    _, folder = make("ollama", 4)
    group = memory_group(256 << 20)
    try:
        shell = f'echo $$ > {shlex.quote(str(group / "cgroup.procs"))} && exec "$@"'
        words = ["bash", "-c", shell, "in-group", sys.executable, "-c", MAIN, "smoke", str(folder), "--no-load"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        group.rmdir()
    assert done.returncode == 3, done.stderr
    assert "out of memory: 0." in done.stderr and "planned" in done.stderr


def memory_group(limit: int) -> Path:
    """A new control group with that limit, of cgroup v1 or v2."""
    root = Path("/sys/fs/cgroup")
    v2 = (root / "cgroup.controllers").is_file()
    if v2 and "memory" not in (root / "cgroup.subtree_control").read_text():
        pytest.skip("the memory controller is not delegated here")
    if not v2 and not (root / "memory").is_dir():
        pytest.skip("no memory controller is mounted")
    group = (root if v2 else root / "memory") / f"advisor-smoke-{os.getpid()}"
    group.mkdir()
    (group / ("memory.max" if v2 else "memory.limit_in_bytes")).write_text(str(limit))
    return group


def test_hung_health_check(make: Make) -> None:
    """The server hangs (it is stopped by a signal) before it answers: patience ends, and it is ended all the same."""
    made = make("ollama", 4)
    in_file(made[1] / "run.sh", "pid=$!\n", 'pid=$!\nkill -STOP "$pid"\n')
    report = run("native", made, startup_s=5.0)
    assert step(report, "healthy").detail.startswith("not healthy in time: 5 s")
    assert report.exit_code == 3 and step(report, "clean").result == "pass"


def test_unhealthy_container(docker, make: Make) -> None:  # type: ignore[no-untyped-def]
    """The container's health check never succeeds: patience ends, and the container is removed."""
    plan, folder = make("ollama", 4)
    docker.stand_in(plan, folder)
    in_file(folder / "compose.yaml", '"CMD", "ollama", "list"', '"CMD", "sleep", "60"')
    report = run("compose", (plan, folder), startup_s=8.0)
    assert step(report, "healthy").detail.startswith("not healthy in time: 8 s")
    assert report.exit_code == 3 and step(report, "clean").result == "pass"


@ROOT
def test_disk_full(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model store lies on a disk that is too small: Ollama's own words say so."""
    made = make("ollama", 4)
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    try:
        monkeypatch.setenv("OLLAMA_MODELS", str(disk))
        report = run("native", made)
        assert step(report, "healthy").detail.startswith("disk full: ")
        assert "no space left on device" in step(report, "healthy").detail
        assert report.exit_code == 3 and step(report, "clean").result == "pass"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@ROOT
def test_disk_full_before_the_start(make: Make, tmp_path: Path) -> None:
    """The folder itself lies on a disk that is too small: preflight gives both numbers."""
    plan, folder = make("ollama", 4)
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{folder}/.", str(disk)], check=True)
        report = run("native", (plan, disk))
        assert "disk full: 0.1 GiB free" in step(report, "preflight").detail
        assert report.exit_code == 3 and step(report, "start").result == "skipped"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_missing_image(docker, make: Make) -> None:  # type: ignore[no-untyped-def]
    """The pinned image is not there and may not be fetched: said as that, and nothing is left."""
    plan, folder = make("ollama", 4)
    docker.stand_in(plan, folder)
    in_file(folder / "compose.yaml", plan.launch.image, "advisor-tests/none:0")
    report = run("compose", (plan, folder))
    assert step(report, "healthy").detail.startswith("missing image: ")
    assert report.exit_code == 3 and step(report, "clean").result == "pass"


def test_a_deployment_that_is_there_is_left_alone(docker, make: Make) -> None:  # type: ignore[no-untyped-def]
    """Containers of this deployment exist, stopped: preflight names the command that removes them, and touches none."""
    plan, folder = make("ollama", 4)
    docker.stand_in(plan, folder)
    subprocess.run(["docker-compose", "create"], cwd=folder, check=True, capture_output=True)
    try:
        before = docker.left()
        report = run("compose", (plan, folder))
        assert "docker compose down" in step(report, "preflight").detail and report.exit_code == 3
        assert before and docker.left() == before
    finally:
        subprocess.run(["docker-compose", "down"], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("at", ["healthy", "load"])
def test_ctrl_c(ollama: tuple[str, tuple[Plan, Path]], at: str, tmp_path: Path) -> None:
    """Ctrl-C, twice, while starting or under load: stopped, what is known is written, exit code 130."""
    runner, (_, folder) = ollama
    words = ["smoke", str(folder), "--runner", runner, "--in-flight", "4", "--seconds", "60", "--trust-files"]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-c", MAIN, *words], stdout=said, stderr=said)
    wanted = "ok    start" if at == "healthy" else "ok    settings"
    deadline = time.monotonic() + 120
    while wanted not in (tmp_path / "said").read_text() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1.0)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    assert process.wait(timeout=180) == 130, (tmp_path / "said").read_text()
    assert (folder / "smoke" / "report.json").is_file()
