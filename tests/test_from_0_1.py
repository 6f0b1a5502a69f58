"""What version 0.1.0 wrote is still read, and what it was called is named in what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from advisor.folder.saved import read_plan
from advisor.pipeline import files_of, recommend
from advisor.schema import Hardware
from advisor.wire import from_json_file
from advisor.workload import load_workload

OLD = Path(__file__).parent / "data" / "from-0.1.0"


def test_a_plan_of_0_1_is_rendered() -> None:
    """`advisor render` makes the files of a plan that 0.1.0 saved."""
    plan = read_plan(OLD / "plan.json")
    assert plan.advisor_version == "0.1.0"
    assert {"compose.yaml", "run.sh", "README.md"} <= {file.path for file in files_of(plan)}


def test_a_profile_of_0_1_is_read() -> None:
    """Every key that 0.1.0 knew keeps its name and meaning."""
    workload = load_workload(str(OLD / "profile.yaml"), {})
    assert (workload.users, workload.think_time_s, workload.engine, workload.parts) == (
        12,
        45.5,
        "both",
        "gateway,monitoring",
    )


def test_a_machine_and_a_measurement_of_0_1_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that 0.1.0 recorded and what it measured there give figures with the basis `measured`."""
    kept = tmp_path / "advisor" / "measurements"
    kept.mkdir(parents=True)
    shutil.copy(OLD / "measurement.json", kept)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert from_json_file(Hardware, OLD / "hardware.json").cpu.cores == 2
    asked = {
        "model": "HuggingFaceTB/SmolLM2-135M-Instruct", "engine": "ollama", "concurrency": 4, "input_tokens": 128,
        "output_tokens": 56, "context_tokens": 512, "offline": True,
    }  # fmt: skip
    answer = recommend(profile=None, overrides=asked, hardware_file=OLD / "hardware.json")
    assert answer.plan is not None and answer.plan.estimate.speed is not None
    assert answer.plan.estimate.speed.output_tokens_per_s.basis == "measured"
