"""Quadlets: read by Podman's own generator, and what comes out by systemd's own parser."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.deploy import gateway, quadlet
from advisor.render import render
from advisor.schema import Plan
from tests.deploy.real_systemd import command_line
from tests.deploy.test_systemd import planned
from tests.engines.engine_cases import first_plan, tool
from tests.scenarios import SCENARIOS

pytestmark = pytest.mark.external


def generated(plan: Plan, folder: Path) -> dict[str, str]:
    """Name → unit, as Podman's generator makes them; any complaint is a failure."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in render(plan):
        if file.path.startswith("quadlet/"):
            (folder / Path(file.path).name).write_text(file.text)
    done = subprocess.run(
        [tool("quadlet"), "-dryrun"],
        capture_output=True,
        text=True,
        check=False,
        env={"QUADLET_UNIT_DIRS": str(folder)},
    )
    complaints = [line for line in done.stderr.splitlines() if "Loading source unit" not in line]
    assert done.returncode == 0 and complaints == [], done.stderr
    parts = re.split(r"^---(.+)---$", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def podman(unit: str) -> list[str]:
    """The words of `podman run`."""
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    return command_line(f"[Unit]\nDefaultDependencies=no\n[Service]\n{line}\n")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_podmans_generator_takes_every_scenario(scenario: str, tmp_path: Path) -> None:
    """Every quadlet becomes a unit without a complaint, and starts what the plan says."""
    plan = planned(scenario)
    if plan is None or quadlet.possible(plan):
        pytest.skip("nothing can run, or no image reaches the device")
    made = generated(plan, tmp_path / "q")
    words = podman(made[f"{quadlet.facts(plan).unit}.service"])
    image = words.index(quadlet.facts(plan).image)
    assert words[image].endswith(plan.launch.image)
    inside = [w if w != "127.0.0.1" else "0.0.0.0" for w in plan.launch.argv]
    assert [w if w != "127.0.0.1" else "0.0.0.0" for w in words[image + 1 :]] == inside
    assert {"--cap-drop", "--security-opt=no-new-privileges", "--sdnotify=healthy"} <= set(words)
    published = words[words.index("--publish") + 1]
    assert published.startswith("127.0.0.1:")
    devices = [words[at + 1] for at, word in enumerate(words) if word == "--device"]
    assert bool(devices) == (plan.launch.variant != "cpu")
    assert all(device.startswith("nvidia.com/gpu=") for device in devices) == (plan.launch.variant in ("cuda", "cpu"))


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_variables_and_secrets(engine: str, tmp_path: Path) -> None:
    """Variables arrive as planned, secrets by name only, and the gateway finds the engine by its alias."""
    plan = replace(first_plan(engine, "rtx-4090", "production"), parts=("gateway", "quadlet"))
    made = generated(plan, tmp_path / "q")
    unit = quadlet.facts(plan).unit
    words = podman(made[f"{unit}.service"])
    given = [words[at + 1] for at, word in enumerate(words) if word == "--env"]
    assert given == sorted(quadlet.facts(plan).env, key=given.index) and len(given) == len(quadlet.facts(plan).env)
    front = podman(made[f"{unit}-gateway.service"])
    assert f"{unit}-gateway,target=gateway" in front and front[-2:] == ["--envfile", "/run/secrets/gateway"]
    assert f"ADVISOR_UPSTREAM=engine:{plan.launch.port}" in front
    assert words[words.index("--network-alias") + 1] == "engine"
    assert ("-model.service" in "".join(made)) == (engine == "ollama")


@pytest.mark.parametrize("exposed", [False, True])
def test_the_gateway_listens_where_the_operator_says(exposed: bool, tmp_path: Path) -> None:
    """Whatever the plan, the port is published at ADVISOR_BIND of gateway.env, and on loopback while that says nothing."""
    plan = replace(first_plan("vllm", "rtx-4090", "production"), parts=("gateway", "quadlet"))
    plan = replace(plan, workload=replace(plan.workload, exposed=exposed))
    unit = generated(plan, tmp_path / "q")[f"{quadlet.facts(plan).unit}-gateway.service"]
    words = podman(unit)
    assert words[words.index("--publish") + 1] == "${ADVISOR_BIND}:${ADVISOR_PORT}:${ADVISOR_PORT}"
    service = unit.partition("[Service]")[2]
    assert f"Environment=ADVISOR_BIND=127.0.0.1 ADVISOR_PORT={gateway.PORT}" in service
    assert f"EnvironmentFile=-{quadlet.facts(plan).config}/gateway.env" in service


def test_a_path_with_a_blank_is_one_mount(tmp_path: Path) -> None:
    """A local model in a folder whose name has a blank and a dollar is mounted at its own path."""
    plan = first_plan("vllm", "rtx-4090")
    model = replace(plan.model, path="/srv/my $models/qwen", origin="folder")
    made = generated(replace(plan, model=model, parts=("quadlet",)), tmp_path / "q")
    words = podman(made[f"{quadlet.facts(plan).unit}.service"])
    assert "/srv/my $models/qwen" in words[words.index("--mount") + 1]
