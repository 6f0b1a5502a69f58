"""`advisor check`: a good folder passes, and each seeded fault fails its own line and nothing else."""

from __future__ import annotations

import json
import os
import platform
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from advisor.check import CheckReport, check_folder
from advisor.cli import app
from advisor.deploy import gateway
from advisor.engines import ENGINES
from advisor.errors import BadInput
from advisor.folder.saved import plan_in
from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from advisor.plan import checks_of
from advisor.schema import Plan
from advisor.wire import to_data
from tests.engines.engine_cases import LOADS, machine, model, plan_of

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "hf_token"
PROGRAMS = {
    # An engine and a Docker that are as they should be; the image list and the version lie in files beside them.
    "vllm": "echo 0.33.0",
    "docker": """
case "$1 $2" in
  "compose version") cat "$FAKES/compose-version" ;;
  "compose ps") ;;
  "version --format") cat "$FAKES/docker-version" ;;
  "info --format") echo "$FAKES" ;;
  "image inspect") grep -qxF "$5" "$FAKES/images" && echo sha256:1 ;;
  *) exit 1 ;;
esac""",
    # The Hub: it wants a token, which comes in the file behind -K.
    "curl": """
while [ $# -gt 0 ]; do case $1 in -K) seen=$(cat "$2") ;; esac; shift; done
case $seen in *"Bearer hf_"*) ;; *) echo "curl: (22) 401" >&2; exit 22 ;; esac""",
    # Any folder is large but the real small one.
    "df": """
case $2 in *tiny*) exec /bin/df "$@" ;; esac
printf 'Filesystem 1024-blocks Used Available Capacity Mounted\\nfake 1 1 999999999 1%% /\\n'""",
    "timedatectl": 'cat "$FAKES/synchronised"',
}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def small_plan(**facts: object) -> Plan:
    """vLLM on this machine's processor: small, gated, exposed behind the gateway."""
    hardware = machine(architecture=platform.machine())
    workload = replace(LOADS["production"], context_tokens=1024, input_tokens=200, output_tokens=100)
    spec = model("HuggingFaceTB/SmolLM2-135M-Instruct")
    candidate = next(c for c in ENGINES["vllm"].propose(hardware, workload, spec) if c.device == "cpu")
    plan = plan_of(candidate, hardware, workload, spec, peak=2)
    port = free_port()
    planned = str(plan.launch.port)
    argv = tuple(str(port) if word == planned else word for word in plan.launch.argv)
    settings = tuple(replace(s, value=str(port)) if s.value == planned else s for s in plan.settings)
    small = replace(
        plan.estimate.memory,
        weights_bytes=2**28,
        kv_bytes=2**28,
        activation_bytes=0,
        overhead_bytes=0,
        device_bytes=2**29,
    )
    candidate = replace(plan.estimate.candidate, memory_utilization=None)
    estimate = replace(plan.estimate, memory=small, candidate=candidate)
    plan = replace(
        plan,
        launch=replace(plan.launch, port=port, argv=argv, needs_token=True),
        settings=settings,
        estimate=estimate,
        parts=("gateway",),
    )
    plan = replace(plan, **facts)  # type: ignore[arg-type]
    return replace(plan, checks=checks_of(plan))


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-ins, first on PATH."""
    if platform.system() != "Linux":
        pytest.skip("the plan of these tests is for Linux")
    folder = tmp_path / "fakes"
    folder.mkdir()
    for name, body in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    (folder / "compose-version").write_text("5.0.2\n")
    (folder / "docker-version").write_text("28.3.3\n")
    (folder / "synchronised").write_text("yes\n")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKES", str(folder))
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setattr(gateway, "PORT", free_port())
    monkeypatch.setattr(gateway, "METRICS_PORT", free_port())
    return folder


def written(plan: Plan, folder: Path, programs: Path) -> Path:
    """The folder of a plan as recommend writes it and a careful person completes it."""
    write_tree(folder, files_of(plan), overwrite=False)
    (folder / ".env").write_text(f"ADVISOR_API_KEY={KEY}\n")
    (folder / "engine.env").write_text(f"HF_TOKEN={TOKEN}\n")
    (folder / "engine.env").chmod(0o600)
    (folder / ".env").chmod(0o600)
    (programs / "images").write_text(f"{plan.launch.image}\n{gateway.facts(plan).image}\n")
    return folder


@pytest.fixture
def good(tmp_path: Path, programs: Path) -> Path:
    """A folder in which nothing is wrong."""
    return written(small_plan(), tmp_path / "deploy here", programs)


def failed(report: CheckReport) -> list[str]:
    """The ids of the lines that failed."""
    return [line.id for line in report.failed]


@pytest.mark.parametrize("target", ["native", "compose"])
def test_a_good_folder_passes(good: Path, target: str) -> None:
    """Nothing fails; what is for after the start or for another target is skipped, and says why; the rest is for a person."""
    report = check_folder(good, target)
    assert failed(report) == [] and report.exit_code == 0 and not report.running
    by_id = {line.id: line for line in report.lines}
    assert by_id["after-health"].status == "skipped" and "nothing runs" in by_id["after-health"].reason
    assert by_id["compose"].status == ("pass" if target == "compose" else "skipped")
    assert by_id["firewall"].status == by_id["rollback"].status == by_id["backup"].status == "by hand"
    assert all(line.reason for line in report.lines if line.status != "pass")
    assert len({line.id for line in report.lines}) == len(report.lines)


def _stand_in(path: Path, body: str) -> None:
    """A program in place of the machine's own."""
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)


def _edit(name: str, old: str, new: str) -> Callable[[Path, Path], None]:
    def edit(folder: Path, programs: Path) -> None:
        place = (programs if name in ("images", "compose-version", "docker-version", "synchronised") else folder) / name
        assert old in place.read_text()
        place.write_text(place.read_text().replace(old, new))

    return edit


def _late(folder: Path, programs: Path) -> None:
    later = time.time() + 86400
    os.utime(folder / "plan.json", (later, later))


FAULTS: dict[str, tuple[str, str, Callable[[Path, Path], None]]] = {
    "missing token": ("native", "model-access", _edit("engine.env", f"HF_TOKEN={TOKEN}\n", "")),
    "missing key": ("native", "key", _edit(".env", f"ADVISOR_API_KEY={KEY}\n", "")),
    "short key": ("compose", "key", _edit(".env", KEY, "short")),
    "old Compose": ("compose", "compose", _edit("compose-version", "5.0.2", "2.10.0")),
    "old Docker": ("compose", "docker", _edit("docker-version", "28.3.3", "28.3.2")),
    "old Python": ("native", "python", lambda _, fakes: _stand_in(fakes / "python3", "echo 3.10")),
    "new Python": ("native", "python", lambda _, fakes: _stand_in(fakes / "python3", "echo 3.15")),
    "wrong file mode": ("native", "env-file", lambda folder, _: (folder / ".env").chmod(0o644)),
    "missing image": ("compose", "image", _edit("images", "vllm/", "other/")),
    "missing image of the gateway": ("compose", "image-gateway", _edit("images", "caddy", "other")),
    "changed file": ("native", "files", _edit("run.sh", "set -euo pipefail", "set -eu")),
    "changed plan": ("native", "files", _edit("plan.json", '"summary": "', '"summary": "x')),
    "missing file": ("native", "files", lambda folder, _: (folder / "stop.sh").unlink()),
    "clock behind": ("native", "clock", _late),
    "clock not synchronised": ("native", "clock", _edit("synchronised", "yes", "no")),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_each_fault_fails_its_line_and_nothing_else(name: str, good: Path, programs: Path) -> None:
    """One thing is put wrong in a good folder, and exactly its line says so."""
    target, line, seed = FAULTS[name]
    seed(good, programs)
    report = check_folder(good, target)
    assert failed(report) == [line] and report.exit_code == 1


def listening(port: int) -> socket.socket:
    """Somebody else's server."""
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    other.bind(("127.0.0.1", port))
    other.listen()
    return other


@pytest.mark.parametrize("line", ["port", "gateway-port"])
def test_a_taken_port_is_found(line: str, good: Path) -> None:
    """The engine's port and the gateway's, each by its own line."""
    with listening(plan_in(good).launch.port if line == "port" else gateway.PORT):
        assert failed(check_folder(good, "native")) == [line]


def test_a_full_disk_is_found(good: Path, tmp_path: Path) -> None:
    """A real file system of one megabyte where models lie fails the line on disk room, for either target."""
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tiny)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        (good / ".env").write_text((good / ".env").read_text() + f"HF_HOME={tiny}\nADVISOR_MODELS={tiny}\n")
        assert failed(check_folder(good, "native")) == ["disk"]
        assert failed(check_folder(good, "compose")) == ["disk-volumes"]
    finally:
        subprocess.run(["umount", str(tiny)], check=True)


def test_too_little_memory_is_found(tmp_path: Path, programs: Path) -> None:
    """A plan that asks for more memory than any machine has fails the line on memory alone."""
    plan = small_plan()
    huge = replace(plan.estimate, memory=replace(plan.estimate.memory, weights_bytes=2**60))
    plan = replace(plan, estimate=huge)
    folder = written(replace(plan, checks=checks_of(plan)), tmp_path / "d", programs)
    assert failed(check_folder(folder, "native")) == ["memory"]


def test_too_few_open_files_are_found(good: Path) -> None:
    """Under a hard limit of 256 open files exactly that line fails."""
    code = """
import sys
from pathlib import Path
from advisor.check import check_folder
from advisor.deploy import gateway
gateway.PORT, gateway.METRICS_PORT = map(int, sys.argv[2:])
print([line.id for line in check_folder(Path(sys.argv[1]), "native").failed])
"""
    ports = (str(gateway.PORT), str(gateway.METRICS_PORT))
    done = subprocess.run(
        [sys.executable, "-c", code, str(good), *ports], capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )  # fmt: skip
    assert done.stdout.strip() == "['open-files']"


def test_a_missing_model_file_is_found(tmp_path: Path, programs: Path) -> None:
    """A local model whose folder lost its files fails the line on weights alone."""
    weights = tmp_path / "my model"
    weights.mkdir(mode=0o755)
    (weights / "config.json").write_text("{}")
    (weights / "config.json").chmod(0o644)
    plan = small_plan()
    local = replace(
        plan,
        model=replace(plan.model, path=str(weights), origin="folder"),
        launch=replace(plan.launch, needs_token=False),
    )
    folder = written(replace(local, checks=checks_of(local)), tmp_path / "d", programs)
    assert failed(check_folder(folder, "native")) == []
    (weights / "config.json").unlink()
    assert failed(check_folder(folder, "native")) == ["weights"]


def test_another_machine_is_found(tmp_path: Path, programs: Path) -> None:
    """A plan for another processor fails the line on the system alone."""
    plan = small_plan()
    other = replace(plan, hardware=replace(plan.hardware, cpu=replace(plan.hardware.cpu, architecture="riscv64")))
    folder = written(replace(other, checks=checks_of(other)), tmp_path / "d", programs)
    assert failed(check_folder(folder, "native")) == ["system"]


def test_while_it_runs_its_own_port_is_no_fault(good: Path) -> None:
    """With the deployment's own process running, lines for before are skipped and those for after are run."""
    with subprocess.Popen(["sleep", "60"]) as engine:
        state = good / "state"
        state.mkdir()
        (state / "engine.pid").write_text(str(engine.pid))
        started = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(engine.pid)],
            capture_output=True,
            text=True,
            check=True,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        )
        (state / "engine.started").write_text(started.stdout)
        with listening(plan_in(good).launch.port):
            report = check_folder(good, "native")
        engine.kill()
    by_id = {line.id: line for line in report.lines}
    assert report.running and by_id["port"].status == "skipped" and by_id["memory"].status == "skipped"
    assert by_id["after-health"].status == "fail"  # the stand-in curl refuses


def test_text_of_the_folder_is_never_executed(good: Path, tmp_path: Path) -> None:
    """Commands in plan.json, CHECKLIST.md and .env are not run, and names out of the plan reach no shell unquoted."""
    mark = tmp_path / "executed"
    hostile = f"'\"; touch {mark}; $(touch {mark}) `touch {mark}` #"
    data = json.loads((good / "plan.json").read_text())
    for check in data["checks"]:
        check["command"] = f"touch {mark}"

    def poison(value: Any, path: tuple[str, ...] = ()) -> Any:
        """Every text of the plan made hostile that the door leaves free: names, paths and sentences."""
        if isinstance(value, dict):
            return {key: poison(below, (*path, key)) for key, below in value.items()}
        if isinstance(value, list):
            return [poison(below, path) for below in value]
        free = (
            "model_ref",
            "hf_id",
            "path",
            "disk_path",
            "summary",
            "message",
        )
        reference = small_plan().launch.model_ref
        return hostile if isinstance(value, str) and (path[-1] in free or value == reference) else value

    data = poison(data)
    data["model"]["path"] = hostile
    data["model"]["origin"] = "folder"
    (good / "plan.json").write_text(json.dumps(data))
    (good / "CHECKLIST.md").write_text(f"```bash\ntouch {mark}\n```\n")
    (good / ".env").write_text(
        f"ADVISOR_API_KEY=x; touch {mark}\nHF_TOKEN=$(touch {mark})\nHF_HOME=`touch {mark}`\nADVISOR_MODELS=$(touch {mark})\n"
    )
    for target in ("native", "compose"):
        report = check_folder(good, target)
        assert not mark.exists() and report.exit_code == 1
    for check in checks_of(plan_in(good)):  # also those that are skipped now
        if check.command:
            subprocess.run(["bash", "-c", check.command], cwd=good, capture_output=True, check=False, timeout=60)
    assert not mark.exists()


def test_a_command_that_hangs_is_ended(good: Path, programs: Path) -> None:
    """A line that does not answer in its time fails with that reason, and nothing of it keeps running."""
    from advisor.check import run

    mark = f"sleep {54321}"
    code, _ = run._run(f"{mark} & {mark}", good, 1, {})
    assert code is None
    time.sleep(0.2)
    left = subprocess.run(["pgrep", "-f", mark], capture_output=True, text=True, check=False).stdout
    assert left == ""


def test_the_command_line(good: Path, tmp_path: Path) -> None:
    """`advisor check` prints one line each or one document, and its exit code is the contract's."""
    run = CliRunner()
    done = run.invoke(app, ["check", str(good), "--target", "native", "--json"], standalone_mode=False)
    report = json.loads(done.stdout)
    assert done.return_value == 0 and report["passed"] and report["schema_version"] == 1
    assert report["counts"]["fail"] == 0 and len(report["lines"]) == sum(report["counts"].values())
    (good / ".env").chmod(0o666)
    done = run.invoke(app, ["check", str(good), "--target", "native"], standalone_mode=False)
    assert done.return_value == 1 and "FAIL  env-file" in done.stdout and "chmod 600" in done.stdout
    assert "For a person to tick" in done.stdout
    with pytest.raises(BadInput, match=r"no plan\.json"):
        run.invoke(app, ["check", str(tmp_path)], standalone_mode=False, catch_exceptions=False)
    (good / "plan.json").write_text("{")
    with pytest.raises(BadInput, match="is not JSON"):
        run.invoke(app, ["check", str(good)], standalone_mode=False, catch_exceptions=False)
    (good / "plan.json").write_text(json.dumps(to_data(small_plan()) | {"engine": "other"}))
    with pytest.raises(BadInput, match="accepted: ollama, vllm"):
        run.invoke(app, ["check", str(good)], standalone_mode=False, catch_exceptions=False)


def test_every_line_says_why_and_what_to_do() -> None:
    """No line of any plan is without a fact, what must be seen and what to do otherwise; commands are bash that parses."""
    from tests.engines.engine_cases import first_plan

    for engine, name in (("vllm", "h100-x8"), ("ollama", "mi300x"), ("vllm", "mig"), ("ollama", "apple-m3-max")):
        plan = replace(first_plan(engine, name, "production"), parts=("gateway", "monitoring", "systemd", "quadlet"))
        for check in checks_of(plan):
            assert check.fact and check.expect and check.otherwise, check.id
            if check.command:
                subprocess.run(["bash", "-n", "-c", check.command], check=True)
