"""A whole smoke test with run.sh and stop.sh around a fake engine; faults put in, and a clean machine afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.engines.vllm.launch import arguments
from advisor.plan import plan_name, with_own_checks
from advisor.render import render
from advisor.schema import Plan
from advisor.smoke.job import Options
from advisor.smoke.outcome import SmokeReport, StepResult
from advisor.smoke.run import smoke
from advisor.smoke.runners import processes, runner_for
from advisor.smoke.steps import starting
from advisor.wire import to_json
from tests.engines.engine_cases import first_plan

FAKE = Path(__file__).parent / "fake_engine.py"
MAIN = "import sys; from advisor.commands.smoke import command; sys.exit(command(sys.argv[1:], standalone_mode=False))"


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A rendered folder whose engine is the fake one, on a port of its own; nothing may run there afterwards."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "vllm").write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
    (programs / "vllm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("FAKE_FAULT", raising=False)
    folder = tmp_path / "deploy"
    plan = plan_on_free_port()
    write(plan, folder)
    yield folder
    ours = [p for p in processes.living() if f"--port {plan.launch.port}" in command_line(p.pid)]
    assert not ours, f"still running: {ours}"


def command_line(pid: int) -> str:
    """How a process was started; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def plan_on_free_port() -> Plan:
    """A small vLLM plan for 2 requests in flight."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plan = first_plan("vllm", "rtx-4090")
    workload = replace(plan.workload, input_tokens=32, output_tokens=8, tools=False, ttft_ms=None, tpot_ms=None)
    settings = tuple(
        replace(s, value=str(port)) if s.name == "--port" else s
        for s in plan.settings
        if s.name != "--tool-call-parser"
    )
    launch = replace(plan.launch, port=port, argv=arguments(settings), startup_s=20, drain_s=20, cache_bytes=0)
    memory = replace(plan.estimate.memory, kv_tokens=46592)
    estimate = replace(plan.estimate, memory=memory)
    return replace(
        plan,
        name=plan_name(plan.model),
        workload=workload,
        launch=launch,
        settings=settings,
        estimate=estimate,
        in_flight=2.0,
    )


def write(plan: Plan, folder: Path) -> None:
    """The deployment folder."""
    folder.mkdir(exist_ok=True)
    (folder / "plan.json").write_text(to_json(plan))
    for file in render(with_own_checks(plan)):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        path.chmod(0o755 if file.executable else 0o644)


def planned(folder: Path) -> Plan:
    """The plan of a folder."""
    from advisor.wire import from_json_file

    return from_json_file(Plan, folder / "plan.json")


def run(folder: Path, **options: object) -> SmokeReport:
    """A smoke test with short loads."""
    plan = planned(folder)
    chosen = Options(**{"seconds_per_level": 5.0, "requests_per_client": 3, "trust_files": True, **options})  # type: ignore[arg-type]
    return smoke(plan, folder, runner_for("native", plan, folder), chosen)


def step(report: SmokeReport, name: str) -> StepResult:
    """One step of a report."""
    return next(found for found in report.steps if found.name == name)


def test_a_good_engine_passes_every_step(deployment: Path) -> None:
    """With an engine that does what was planned no step fails, both sides of the table are filled, nothing is left."""
    report = run(deployment)
    failed = [found for found in report.steps if found.result == "fail"]
    assert not failed
    assert report.exit_code == 0
    assert [load.in_flight for load in report.loads] == [1, 2, 4]
    assert {row.figure for row in report.comparisons} >= {"output rate", "TTFT", "TPOT", "KV cache", "slots", "context"}
    assert "finished, 0 were cut" in step(report, "stop under load").detail
    assert step(report, "clean").result == "pass"


def test_a_taken_port_is_found_before_the_start(deployment: Path) -> None:
    """Something else listens on the planned port: preflight says so, nothing is started, exit code 3."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", planned(deployment).launch.port))
        other.listen()
        report = run(deployment)
        assert "is taken" in step(report, "preflight").detail
    assert report.exit_code == 3
    assert step(report, "start").result == "skipped"
    assert not (deployment / "state").exists()


def test_a_missing_model_is_found_before_the_start(deployment: Path) -> None:
    """The plan's model folder is gone: preflight names the path, exit code 3."""
    plan = planned(deployment)
    (deployment / "plan.json").write_text(to_json(replace(plan, model=replace(plan.model, path="/no/such/model"))))
    report = run(deployment)
    assert report.exit_code == 3 and "/no/such/model" in step(report, "preflight").detail


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("flag", "unknown flag: vllm: error: unrecognized arguments: --no-such-flag"),
        ("memory", "out of memory: torch.OutOfMemoryError"),
        ("model", "missing model: OSError: /models/none"),
        ("driver", "no driver: RuntimeError: Found no NVIDIA driver"),
        ("disk", "disk full: OSError: [Errno 28] No space left"),
    ],
)
def test_the_log_tells_why_the_engine_died(
    deployment: Path, monkeypatch: pytest.MonkeyPatch, fault: str, said: str
) -> None:
    """An engine that dies while starting: the step names the cause and the line of the log, exit code 3, all gone."""
    monkeypatch.setenv("FAKE_FAULT", fault)
    report = run(deployment)
    assert said in step(report, "healthy").detail
    assert report.exit_code == 3
    assert step(report, "clean").result == "pass"


def test_a_killed_engine_is_noticed_while_loading(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is killed while it loads: the step fails well before its patience is over, and all is cleaned up."""
    monkeypatch.setenv("FAKE_FAULT", "dies-loading")
    report = run(deployment)
    assert step(report, "healthy").result == "fail" and step(report, "healthy").seconds < 15
    assert report.exit_code == 3


def test_a_hanging_health_check_ends_with_its_patience(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine runs but never becomes healthy: after the patience it is stopped, and the step says so."""
    monkeypatch.setenv("FAKE_FAULT", "hangs")
    report = run(deployment, startup_s=4.0)
    assert "not healthy in time" in step(report, "healthy").detail
    assert report.exit_code == 3 and step(report, "clean").result == "pass"


def test_a_silent_drop_to_one_slot_is_a_failure(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine runs with one slot although more were planned: `settings` fails with both numbers, exit code 1."""
    monkeypatch.setenv("FAKE_FAULT", "slots")
    report = run(deployment, load=False)
    slots = planned(deployment).estimate.candidate.max_in_flight
    assert f"1 slot(s) are in force, {slots} were planned" in step(report, "settings").detail
    assert report.exit_code == 1


def test_a_smaller_cache_is_a_failure(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less KV cache than planned: `settings` fails with both numbers."""
    monkeypatch.setenv("FAKE_KV", "20000")
    report = run(deployment, load=False)
    assert "20,000 tokens of KV cache are there, 46,592 were planned" in step(report, "settings").detail


def test_another_name_is_a_failure(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine serves another name than planned: `models` fails and what follows is skipped, exit code 1."""
    monkeypatch.setenv("FAKE_FAULT", "name")
    report = run(deployment)
    assert "another" in step(report, "models").detail
    assert report.exit_code == 1 and step(report, "chat").result == "skipped"


def test_an_engine_killed_under_load_is_reported(deployment: Path) -> None:
    """The engine is killed in the middle of a load: that load fails with counted errors, and nothing is left."""
    plan = planned(deployment)
    runner = runner_for("native", plan, deployment)
    sent = []

    class Killer:
        def step(self, name: str) -> None:
            sent.append(name)

        def note(self, text: str, share: float | None = None) -> None:
            if sent[-1] == "load 2" and share and share > 0.3:
                pid = int((deployment / "state" / "engine.pid").read_text())
                os.killpg(pid, signal.SIGKILL)

        def done(self, result: StepResult) -> None: ...

    options = Options(seconds_per_level=5.0, requests_per_client=6, levels=(1, 2))
    report = smoke(plan, deployment, runner, options, Killer())  # type: ignore[arg-type]
    assert step(report, "load 1").result == "pass"
    assert step(report, "load 2").result == "fail"
    assert report.exit_code == 1 and step(report, "clean").result == "pass"


def test_a_full_disk_is_found_before_the_start(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less disk free than the model wants: preflight gives both numbers."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2**20})())
    report = run(deployment)
    assert "disk full: 0.0 GiB free" in step(report, "preflight").detail and report.exit_code == 3


def test_too_little_memory_is_found_before_the_start(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan for the CPU that needs more memory than is available: preflight gives both numbers."""
    plan = planned(deployment)
    candidate = replace(plan.estimate.candidate, device="cpu", gpu_indices=())
    (deployment / "plan.json").write_text(to_json(replace(plan, estimate=replace(plan.estimate, candidate=candidate))))
    monkeypatch.setattr(starting, "available_bytes", lambda: 2**30)
    report = run(deployment)
    assert "out of memory: 1.0 GiB available" in step(report, "preflight").detail


@pytest.mark.parametrize("at", ["healthy", "load"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(deployment: Path, at: str, number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C while starting or under load: the engine is stopped, what is known is written, the command fails."""
    env = {**os.environ, "FAKE_FAULT": "hangs" if at == "healthy" else "", "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, str(deployment), "--seconds", "60", "--in-flight", "400"],
            stdout=out,
            stderr=out,
            env=env,
        )
        pid_file = deployment / "state" / "engine.pid"
        wanted = "ok    stream" if at == "load" else ""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if pid_file.exists() and wanted in (tmp_path / "out").read_text():
                break
            time.sleep(0.1)
        time.sleep(1.0)
        process.send_signal(number)
        assert process.wait(timeout=60) != 0
    assert not processes.listener(planned(deployment).launch.port)
    assert not pid_file.exists()
    assert (deployment / "smoke" / "report.json").exists()
