"""Units: systemd's own judgement, and what only a comparison with the plan shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from advisor.deploy import systemd
from advisor.render import render
from advisor.schema import Plan, RenderedFile
from tests.deploy.real_systemd import command_line
from tests.engines.engine_cases import first_plan, tool
from tests.scenarios import SCENARIOS, answer

WORST = 4.0


@cache
def planned(scenario: str) -> Plan | None:
    """The plan of a golden scenario, with gateway and units whatever it asks for; None where it has none or no systemd."""
    plan = answer(scenario).plan
    if plan is None or systemd.possible(plan):
        return None
    return replace(plan, parts=tuple(dict.fromkeys((*plan.parts, "gateway", "systemd", "quadlet"))), desk=None)


def units(plan: Plan) -> dict[str, RenderedFile]:
    """Name → unit."""
    return {Path(file.path).name: file for file in render(plan) if file.path.startswith("systemd/")}


def as_root(plan: Plan, folder: Path) -> Path:
    """A root file system with the units, the host's own units, and a stand-in for every program they start."""
    place = folder / "etc/systemd/system"
    place.mkdir(parents=True)
    for name, file in units(plan).items():
        (place / name).write_text(file.text)
        for program in re.findall(r'^Exec\w+=-?"?(/[^" ]+)', file.text, re.MULTILINE):
            stand_in = folder / program.lstrip("/")
            stand_in.parent.mkdir(parents=True, exist_ok=True)
            stand_in.write_text("#!/bin/sh\n")
            stand_in.chmod(0o755)
    shutil.copytree("/lib/systemd/system", folder / "usr/lib/systemd/system", symlinks=True)
    (folder / "lib").symlink_to("usr/lib")
    return folder


@pytest.mark.external
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_systemd_finds_no_fault_and_little_exposure(scenario: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing about any unit, and `security` gives each better than 4.0."""
    analyze = tool("systemd-analyze")
    plan = planned(scenario)
    if plan is None:
        pytest.skip("nothing can run, or not Linux")
    root = as_root(plan, tmp_path / "root")
    paths = [f"/etc/systemd/system/{name}" for name in units(plan)]
    done = subprocess.run(
        [analyze, f"--root={root}", "--man=no", "verify", *paths], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if any(name in line for name in units(plan))]
    assert complaints == [] and done.returncode == 0, done.stderr
    for name in units(plan):
        command = [
            analyze,
            "security",
            "--offline=true",
            f"--threshold={int(WORST * 10)}",
            "--no-pager",
            str(root / "etc/systemd/system" / name),
        ]
        judged = subprocess.run(command, capture_output=True, text=True, check=False)
        level = re.search(r"exposure level for \S+: ([0-9.]+)", judged.stdout)
        assert level is not None, judged.stderr
        assert float(level.group(1)) < WORST, judged.stdout


@pytest.mark.external
def test_verify_is_really_asked(tmp_path: Path) -> None:
    """A misspelt line and an absent program are found, so silence means something."""
    plan = replace(first_plan("vllm", "rtx-4090", "production"), parts=("systemd",))
    root = as_root(plan, tmp_path / "root")
    name = next(name for name in units(plan) if not name.endswith("-gpu.service"))
    place = root / "etc/systemd/system" / name
    place.write_text(place.read_text().replace("ProtectClock=", "ProtectClocks="))
    shutil.rmtree(root / "opt")
    done = subprocess.run(
        [tool("systemd-analyze"), f"--root={root}", "--man=no", "verify", f"/etc/systemd/system/{name}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "ProtectClocks" in done.stderr and "is not executable" in done.stderr


@pytest.mark.external
@pytest.mark.parametrize(
    ("engine", "machine"), [("vllm", "rtx-4090-x2"), ("ollama", "mi300x"), ("ollama", "laptop-cpu")]
)
def test_the_command_is_the_plans(engine: str, machine: str) -> None:
    """Behind systemd's own parser the engine gets exactly the planned arguments."""
    plan = replace(first_plan(engine, machine, "production"), parts=("systemd",))
    text = units(plan)[f"{systemd.facts(plan).unit}.service"].text
    line = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    words = command_line(f"[Unit]\nDefaultDependencies=no\n[Service]\n{line}\n")
    assert words[1:] == [*plan.launch.program[1:], *plan.launch.argv]
    assert words[0].endswith(f"/bin/{plan.launch.program[0]}") and plan.engine_version in words[0]


@pytest.mark.parametrize(
    ("engine", "machine"), [("vllm", "h100-x8"), ("ollama", "rtx-4090"), ("vllm", "mi300x"), ("ollama", "laptop-cpu")]
)
def test_patience_and_devices_are_the_plans(engine: str, machine: str) -> None:
    """Time to start covers the plan's, time to stop exceeds the drain, and the unit sees its kind of device and no other."""
    plan = replace(first_plan(engine, machine, "production"), parts=("gateway", "systemd"))
    found = units(plan)
    text = found[f"{systemd.facts(plan).unit}.service"].text
    values = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))
    assert int(values["TimeoutStartSec"]) >= plan.launch.startup_s
    assert int(values["TimeoutStopSec"]) > plan.launch.drain_s
    assert values["KillMode"] == "mixed" and values["DevicePolicy"] == "closed" and values["DynamicUser"] == "yes"
    assert ("nvidia" in text) == (plan.launch.variant == "cuda")
    assert ("/dev/kfd" in text) == (plan.launch.variant == "rocm")
    assert ("PrivateDevices=yes" in text) == (plan.launch.variant == "cpu")
    assert "HF_TOKEN=" not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    assert not re.search(r"^Environment=.*API_KEY", "".join(file.text for file in found.values()), re.MULTILINE)


def test_an_offline_engine_reaches_loopback_only() -> None:
    """Where nothing has to be fetched, the unit lets the engine talk to this machine alone."""
    plan = first_plan("ollama", "rtx-4090")
    offline = replace(plan, workload=replace(plan.workload, air_gapped=True), parts=("systemd",))
    for made, closed in ((replace(plan, parts=("systemd",)), False), (offline, True)):
        text = units(made)[f"{systemd.facts(made).unit}.service"].text
        assert ("IPAddressDeny=any" in text) == closed and ("fetch\n" in text) != closed


def test_a_model_in_somebodys_home_is_bound(tmp_path: Path) -> None:
    """Home folders are hidden, but the planned model is shown at its own place, read only."""
    plan = first_plan("vllm", "rtx-4090")
    model = replace(plan.model, path="/home/me/my models/qwen", origin="folder")
    text = units(replace(plan, model=model, parts=("systemd",)))[f"{systemd.facts(plan).unit}.service"].text
    assert 'BindReadOnlyPaths="/home/me/my models/qwen"' in text and "ProtectHome=tmpfs" in text


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_units_hold_no_secret(scenario: str, rendered: Callable[[str], Path]) -> None:
    """No unit in any scenario's folder holds a key or a token."""
    for path in rendered(scenario).glob("systemd/*"):
        assert not re.search(r"(API_KEY|HF_TOKEN)=\S", re.sub(r"^#.*$", "", path.read_text(), flags=re.MULTILINE)), path
