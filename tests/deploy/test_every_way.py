"""Every way to run it can be had for every server plan, and its files stand on the two variables that nobody can guess."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.deploy import PARTS
from advisor.engines import ENGINES
from advisor.engines.ways import WAYS, ways_of
from advisor.pipeline import recommend
from advisor.plan import with_way
from advisor.render import render
from advisor.schema import Plan
from tests.deploy.front import written
from tests.engines.engine_cases import tool
from tests.scenarios import SCENARIOS, answer

BEGINS = {  # a file that only this way has
    "compose": "compose.yaml",
    "native": "run.sh",
    "systemd": "systemd/",
    "quadlet": "quadlet/",
    "kubernetes": "kubernetes/",
}
CARDS = ("RTX 4090", "2x RTX 4090", "MI300X", "RX 7900 XTX", None)
ENOUGH = {"ADVISOR_API_KEY": "0123456789abcdef-key", "ADVISOR_HOSTNAME": "llm.example.org"}


def planned(engine: str, gpu: str | None) -> Plan:
    """A server's plan; without a card that of a recorded machine."""
    machine = {"gpu": gpu} if gpu else {"hardware_file": Path(__file__).parents[1] / "hardware" / "cpu-2-cores.json"}
    asked = {"model": "Qwen/Qwen2.5-1.5B-Instruct", "engine": engine, "users": 5, "offline": True, "exposed": True}
    made = recommend(profile=None, overrides=asked, **machine).plan
    assert made is not None and made.engine == engine
    return made


def has(plan: Plan, way: str) -> bool:
    """Whether the folder holds files of that way."""
    return any(file.path.startswith(BEGINS[way]) for file in render(plan))


@pytest.mark.parametrize("gpu", CARDS)
@pytest.mark.parametrize("engine", list(ENGINES))
def test_all_five_render(engine: str, gpu: str | None) -> None:
    """Both engines, CUDA, ROCm and a processor: each way alone has its own files and no other's."""
    plan = planned(engine, gpu)
    for name, way in WAYS.items():
        alone = replace(with_way(plan, name), parts=(way, "gateway", "monitoring"))
        assert ways_of(alone) == (way,)
        assert [other for other in BEGINS if has(alone, other)] == [way], name


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_server_plan_has_them_or_says_why_not(scenario: str) -> None:
    """A server of one machine on Linux has all five; another says in one sentence what stands against a way."""
    plan = answer(scenario).plan
    if plan is None or not plan.serves_others:
        pytest.skip("no server")
    reasons = {way: PARTS[way].possible(plan) for way in WAYS.values()}
    several = plan.estimate.candidate.nodes > 1
    assert plan.hardware.os != "linux" or several or not any(reasons.values()), reasons
    for name, way in WAYS.items():
        if not reasons[way]:
            assert way in with_way(plan, name).parts and (has(with_way(plan, name), way) or several)


@pytest.mark.external
@pytest.mark.parametrize("gpu", ["RTX 4090", "MI300X"])
@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_key_and_a_name_are_enough(engine: str, gpu: str, tmp_path: Path) -> None:
    """`docker compose config` and `caddy validate` pass with these two variables and no .env, with every profile."""
    folder = written(replace(planned(engine, gpu), parts=("compose", "gateway", "monitoring")), tmp_path)
    assert not (folder / ".env").exists()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **ENOUGH}
    for words in (
        [tool("docker-compose"), "--profile", "*", "config", "--quiet"],
        [tool("caddy"), "validate", "--config", "gateway/Caddyfile", "--adapter", "caddyfile"],
    ):
        done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "variable is not set" not in done.stderr
