"""A real Ollama that runs: the plan uses it, makes its model there, smoke drives it, and it goes on afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from advisor.check import check_folder
from advisor.engines import ENGINES
from advisor.folder.write import write_tree
from advisor.pipeline import files_of, recommend
from advisor.refresh.ollama_running import serving
from advisor.refresh.vllm_running import engines_folder
from advisor.smoke.job import Options
from advisor.smoke.run import smoke
from advisor.smoke.runners import runner_for

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
PROGRAM = engines_folder() / "ollama" / "bin" / "ollama"


@pytest.mark.engine
@pytest.mark.skipif(not PROGRAM.is_file(), reason="tests/engines/install.sh installs Ollama")
def test_the_plan_makes_its_model_in_a_running_ollama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by probe, planned for, given the model by run.sh, driven by smoke, still there, and nothing else stopped."""
    monkeypatch.setenv("PATH", f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}")
    home, folder = tmp_path / "home", tmp_path / "deploy"
    home.mkdir()
    with serving(str(PROGRAM), home) as server:
        port = int(server.url.rpartition(":")[2])
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
        overrides = {"model": str(engines_folder() / "models" / MODEL), "engine": "ollama", "users": 1, "run": "native"}
        lengths = {"input_tokens": 60, "output_tokens": 20, "context_tokens": 1024}
        found = recommend(profile=None, overrides={**overrides, **lengths}, measurements="none")
        plan = found.plan
        assert plan is not None and (plan.launch.server, plan.launch.port) == ("running", port)
        write_tree(folder, files_of(plan), overwrite=True)
        line = next(row for row in check_folder(folder, target="native").lines if row.id == "engine-version")
        assert line.status == "pass", line
        options = Options(levels=(1,), seconds_per_level=5, requests_per_client=2)
        report = smoke(plan, folder, runner_for("auto", plan, folder), options)
        failed = [step for step in report.steps if step.result == "fail" and step.name not in ("load 1",)]
        assert not failed and report.loads, report.steps
        listed = subprocess.run([str(PROGRAM), "list"], env={**os.environ}, capture_output=True, text=True, check=True)
        assert plan.launch.served_name in listed.stdout
        assert ENGINES["ollama"].observer().running(port) is not None
