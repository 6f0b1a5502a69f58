"""Both real engines, on plans that are made for this very machine: started, driven, measured, stopped."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.files import write_tree
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan
from advisor.smoke.client import Server
from advisor.smoke.job import Options
from advisor.smoke.load import Run, calibrate, drive
from advisor.smoke.native import NativeRunner
from advisor.smoke.run import smoke
from advisor.smoke.runners import runner_for
from advisor.smoke.values import SmokeReport

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]

Make = Callable[[str, int], tuple[Plan, Path]]
MODELS = {"vllm": "ADVISOR_MODEL_SAFETENSORS", "ollama": "ADVISOR_MODEL_GGUF"}


@pytest.fixture
def make(engines: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Plan and folder for an engine and a number of requests in flight, both on this machine."""
    for name, text in engines.items():
        if name.startswith(("PATH", "HF_", "VLLM_", "OLLAMA_", "ADVISOR_")):
            monkeypatch.setenv(name, text)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))

    def made(engine: str, in_flight: int) -> tuple[Plan, Path]:
        asked = {
            "model": engines[MODELS[engine]],
            "engine": engine,
            "concurrency": in_flight,
            "input_tokens": 128,
            "output_tokens": 64,
            "context_tokens": 512,
            "offline": True,
        }
        plan = recommend(profile=None, overrides=asked).plan
        assert plan is not None
        folder = tmp_path / f"{engine}-{in_flight}"
        write_tree(folder, files_of(plan), overwrite=True)
        return plan, folder

    return made


def told(report: SmokeReport) -> str:
    """The steps, for the message of a failing test."""
    return "\n".join(f"{step.result:8} {step.name}: {step.detail}" for step in report.steps)


@pytest.mark.parametrize("in_flight", [1, 16])
@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_the_advised_plan_passes(make: Make, engine: str, in_flight: int) -> None:
    """A plan for 1 and for 16 in flight starts, answers, keeps its planned settings under load, and ends cleanly."""
    plan, folder = make(engine, in_flight)
    options = Options(levels=(1, in_flight), seconds_per_level=20, requests_per_client=3)
    report = smoke(plan, folder, runner_for("native", plan, folder), options)
    assert report.passed, told(report)
    assert report.effective is not None and report.effective.slots == plan.estimate.candidate.max_in_flight
    assert all(load.completed and not load.errors for load in report.loads)


def test_our_load_generator_agrees_with_vllm_bench(make: Make, engines: dict[str, str]) -> None:
    """On the same server our output rate and that of `vllm bench serve` are within 10 % of each other.

    They run in turn, ours before and after, so that a machine that changes its pace does not decide.
    """
    plan, folder = make("vllm", 4)
    runner = NativeRunner(plan, folder)
    try:
        runner.start()
        wait(runner)
        ours, theirs = [], []
        for number in range(3):
            ours.append(rate_of_ours(plan, number))
            theirs.append(rate_of_vllm_bench(plan, engines, number))
        ours.append(rate_of_ours(plan, 3))
    finally:
        runner.end()
    ratios = [(ours[i] + ours[i + 1]) / 2 / theirs[i] for i in range(3)]
    assert any(0.9 < ratio < 1.1 for ratio in ratios), (ours, theirs)


def wait(runner: NativeRunner) -> None:
    """Until run.sh has ended."""
    while runner.state() == "starting":
        asyncio.run(asyncio.sleep(1))
    assert runner.state() == "ready", runner.log()[-3000:]


def rate_of_ours(plan: Plan, number: int) -> float:
    """Output tokens/s as our generator counts them."""

    async def go() -> float:
        server = Server(
            base_url=f"http://127.0.0.1:{plan.launch.port}",
            model=plan.launch.served_name,
            exact_length=True,
            endpoint="completions",
        )
        scale = await calibrate(server, f"bench/{number}")
        asked = Run(requests=16, in_flight=4, input_tokens=128, output_tokens=64, seed=f"bench/{number}")
        return (await drive(server, asked, scale)).output_tokens_per_s

    return asyncio.run(go())


def rate_of_vllm_bench(plan: Plan, engines: dict[str, str], number: int) -> float:
    """The same by vLLM's own tool."""
    said = subprocess.run(
        [
            "vllm", "bench", "serve", "--backend", "openai", "--base-url", f"http://127.0.0.1:{plan.launch.port}",
            "--model", plan.launch.served_name, "--tokenizer", engines["ADVISOR_MODEL_SAFETENSORS"],
            "--dataset-name", "random", "--random-input-len", "128", "--random-output-len", "64",
            "--num-prompts", "16", "--max-concurrency", "4", "--ignore-eos", "--seed", str(number),
        ],
        capture_output=True, text=True, check=False, timeout=600, env={**os.environ, **engines},
    )  # fmt: skip
    found = re.search(r"Output token throughput \(tok/s\):\s+([\d.]+)", said.stdout)
    assert found, said.stdout[-2000:] + said.stderr[-2000:]
    return float(found[1])


def test_the_command_says_the_same(make: Make, engines: dict[str, str], tmp_path: Path) -> None:
    """`advisor smoke DIR --json` prints one document, exits 0 and writes both reports."""
    _, folder = make("ollama", 2)
    done = subprocess.run(
        [
            os.sys.executable, "-c",  # type: ignore[attr-defined]
            "import sys; from advisor.commands.smoke import command; sys.exit(command(sys.argv[1:], standalone_mode=False))",
            str(folder), "--in-flight", "2", "--seconds", "10", "--json",
        ],
        capture_output=True, text=True, check=False, env={**os.environ, **engines, "XDG_DATA_HOME": str(tmp_path), "OLLAMA_MODELS": str(tmp_path / "s")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] is True
    assert (folder / "smoke" / "report.md").is_file() and (folder / "smoke" / "report.json").is_file()
