"""The example for GitHub: its steps, run by a shell, pass where the plan meets its targets and fail where it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.pipeline import files_of, recommend
from advisor.wire import to_json

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / ".github" / "plan.yml"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as a runner starts a step whose shell is bash


def profile(users: int) -> str:
    """The shipped chat, for so many people and a model."""
    text = (ROOT / "profiles" / "chat.yaml").read_text(encoding="utf-8")
    return re.sub(r"^users:.*$", f"users: {users}", text, flags=re.MULTILINE) + "model: Qwen/Qwen2.5-7B-Instruct\n"


def steps() -> list[dict[str, Any]]:
    """The steps of its only job."""
    (job,) = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def kept(folder: Path, users: int) -> None:
    """A repository that keeps its question: for 50 people a plan is in use, and now so many ask."""
    llm = folder / "llm"
    llm.mkdir()
    (llm / "profile.yaml").write_text(profile(50))
    answer = recommend(
        profile=str(llm / "profile.yaml"), overrides={"offline": True}, gpu="RTX 4090", measurements="none"
    )
    assert answer.plan is not None
    (llm / "hardware.json").write_text(to_json(answer.hardware))
    (llm / "plan.json").write_text(files_of(answer.plan)[0].text)
    (llm / "profile.yaml").write_text(profile(users))


def run(folder: Path) -> list[tuple[str, int, str]]:
    """Name, exit code and output of each step that runs a command; what installs the program is passed over."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "advisor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m advisor.cli "$@"\n')
    (bin_folder / "advisor").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }  # fmt: skip
    (folder / "temp").mkdir()
    told, failed = [], False
    for step in steps():
        if "run" not in step or step["run"].startswith("pip install") or (failed and "if" not in step):
            continue
        done = subprocess.run(
            [*SHELL, step["run"]], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        told.append((step["name"], done.returncode, done.stdout + done.stderr))
        failed = failed or done.returncode != 0
    return told


@pytest.mark.parametrize(("users", "code"), [(60, 0), (90_000, 1)], ids=["good", "bad"])
def test_a_pull_request_fails_with_its_plan(users: int, code: int, tmp_path: Path) -> None:
    """A few people more pass, far too many fail in the first step, and either way the summary says what changed."""
    kept(tmp_path, users)
    told = run(tmp_path)
    assert [name for name, *_ in told] == [step["name"] for step in steps()[3:6]]
    assert told[0][1] == code, told
    assert [seen for _, seen, _ in told[1:]] == [0, 0], told
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("NO" if code else "YES") and "users" in summary
    assert (tmp_path / "temp" / "report.html").exists()


def test_what_cannot_be_read_fails_too(tmp_path: Path) -> None:
    """A profile that a hand broke is exit code 2, and nothing after it claims a plan."""
    kept(tmp_path, 60)
    (tmp_path / "llm" / "profile.yaml").write_text("users: fifty\n")
    told = run(tmp_path)
    assert told[0][1] == 2 and "fifty" in told[0][2]


def test_the_example_is_a_workflow_of_shipped_parts() -> None:
    """Every command in it is one of the program's, actions are pinned to a version, and it may only read."""
    from advisor.cli import COMMANDS

    text = EXAMPLE.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["defaults"]["run"]["shell"] == "bash"  # without it a runner takes no notice of what fails in a pipe
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps() if "uses" in step)
    assert {name for step in steps() for name in re.findall(r"\badvisor ([a-z]+)", step.get("run", ""))} <= set(
        COMMANDS
    )
