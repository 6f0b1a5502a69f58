"""What does not need Linux works where Python lacks what only POSIX has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from advisor.pipeline import files_of, recommend

ROOT = Path(__file__).parent.parent
QWEN = "Qwen/Qwen2.5-7B-Instruct"
WITHOUT = """
import os, signal, sys
for module, name in ((signal, "SIGHUP"), (signal, "SIGKILL"), (os, "killpg"), (os, "setsid"), (os, "getpgid")):
    delattr(module, name)
sys.modules["fcntl"] = sys.modules["resource"] = sys.modules["termios"] = None
from advisor.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan, a row to predict and a log."""
    made = tmp_path_factory.mktemp("elsewhere")
    plan = recommend(profile=None, overrides={"users": 2, "model": QWEN, "offline": True}, gpu="RTX 4090").plan
    assert plan is not None
    (made / "plan.json").write_text(files_of(plan)[0].text)
    (made / "rows.csv").write_text(f"id,engine,gpu,model,concurrency\na,vllm,RTX 4090,{QWEN},8\n")
    (made / "log.jsonl").write_text(
        "".join(f'{{"timestamp": {at}, "input_tokens": 900, "output_tokens": 200}}\n' for at in range(0, 600, 5))
    )
    return made


@pytest.mark.parametrize(
    "words",
    [
        ["recommend", "--users", "2", "--gpu", "RTX 4090", "--model", QWEN, "--offline", "--out", "made"],
        ["predict", "--requests", "rows.csv"], ["render", "plan.json", "--out", "again"], ["catalog", "gpus"],
        ["report", "plan.json", "--out", "page.html"], ["explain", "FIT101"], ["doctor"], ["probe"],
        ["capacity", "--gpu", "L40S", "--model", QWEN, "--offline"], ["workload", "log.jsonl"],
        ["compare", "RTX 4090", "L40S", "--model", QWEN, "--users", "5", "--offline"],
        ["size", "--users", "5", "--model", QWEN, "--gpu", "L40S", "--offline"],
        ["ui", "--help"], ["mcp", "--help"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_a_command_needs_nothing_of_posix_alone(words: list[str], folder: Path) -> None:
    """No SIGHUP, SIGKILL or killpg, no fcntl, resource or termios: the command gives its answer all the same."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words], cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
