"""What does not need Linux works where Python lacks what only POSIX has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.pipeline import files_of, recommend
from advisor.schema import Plan

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


LINUX_ONLY = (
    "systemctl", "timedatectl", "journalctl", "apt-get", "apt ", "dnf ", "ss -l", "sha256sum", "/proc/", "/dev/shm", "nproc",
    "sysctl -w vm.", "ip addr", "usermod", "ldconfig", "readlink -f", "stat -c", "date -d", "cp --", "xdg-open", "ufw",
)  # fmt: skip
BASH_ONLY = (
    "./run.sh",
    "./stop.sh",
    "chmod",
    "#!/",
    "cp -",
    "lsof",
    "launchctl",
    "sudo ",
    "curl ",
    "```bash",
    "export ",
    ".env",
)
MACHINES: dict[str, tuple[str, dict[str, Any]]] = {
    "laptop mac": ("Apple M4 16GB", {"users": 1}),
    "mac": ("Apple M4 Max 64GB", {"users": 3}),
    "mac for others": ("Apple M3 Ultra 96GB", {"users": 20, "production": True}),
    "mac for vectors": ("Apple M3 Max 64GB", {"users": 4, "task": "embed", "model": "bge-m3"}),
    "windows laptop": ("RTX 4070 Laptop on Windows 11", {"users": 1}),
    "windows": ("RTX 4090 on Windows 11", {"users": 5, "production": True}),
    "windows for vectors": ("RTX 3060 12GB on Windows", {"users": 2, "task": "embed", "model": "bge-m3"}),
    "windows without a card": ("cpu only 64GB on Windows 11", {"users": 1, "model": "qwen3:0.6b", "tpot_ms": 900}),
}


def planned(machine: str) -> Plan:
    """The plan for one of those machines."""
    gpu, asked = MACHINES[machine]
    profile = "embedding" if asked.get("task") == "embed" else None
    found = recommend(profile=profile, overrides={"model": "qwen3:4b", "offline": True, **asked}, gpu=gpu).plan
    assert found is not None
    return found


def used_running(plan: Plan) -> Plan:
    """The same with the server that runs there."""
    return replace(plan, launch=replace(plan.launch, server="running"))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("change", [lambda plan: plan, used_running], ids=["own", "running"])
def test_a_folder_is_for_the_system_that_it_is_planned_for(machine: str, change: Callable[[Plan], Plan]) -> None:
    """No file, and no line of the checklist, tells somebody on a Mac or on Windows to type what only Linux has."""
    plan = change(planned(machine))
    system = plan.hardware.os
    told = {file.path: file.text for file in files_of(plan) if file.path not in ("plan.json", ".gitignore")}
    told["checklist"] = "\n".join(f"{line.expect} {line.otherwise}" for line in plan.checks)
    if system == "darwin":
        told["commands"] = "\n".join(filter(None, (line.command for line in plan.checks)))
    for path, text in told.items():
        odd = [word for word in (*LINUX_ONLY, *(BASH_ONLY if system == "windows" else ())) if word in text]
        if path == "checklist" and system == "windows":  # lines that its own table leaves out
            odd = [word for word in odd if word not in ("chmod", ".env", "sudo ")]
        assert not odd, (path, odd)
    scripts = {path for path in told if path.endswith((".sh", ".ps1"))}
    assert scripts >= ({"run.ps1", "stop.ps1"} if system == "windows" else {"run.sh", "stop.sh"})
    assert not any(path.endswith(".sh") for path in scripts) or system == "darwin"


def test_what_is_to_be_set_is_set_as_the_system_does_it() -> None:
    """Variables of a server that runs already: launchctl on a Mac, setx on Windows, a unit's lines on Linux."""
    for machine, command in (("mac for others", "launchctl setenv"), ("windows", "setx ")):
        readme = next(file.text for file in files_of(used_running(planned(machine))) if file.path == "README.md")
        assert command in readme and "systemctl" not in readme


def test_powershell_is_quoted_and_whole() -> None:
    """Every text in run.ps1 is quoted as PowerShell reads it, and its brackets are closed."""
    from advisor.quoting import powershell

    assert powershell("it's") == "'it''s'" and powershell("a\u2019b") == "'a\u2019\u2019b'"
    plan = planned("windows")
    text = next(file.text for file in files_of(plan) if file.path == "run.ps1")
    bare = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"|#.*", "", text)
    assert all(bare.count(one) == bare.count(other) for one, other in ("()", "{}", "[]"))
    assert "'" not in bare and '"' not in bare and "`\n" in bare
    env = dict(re.findall(r"^\$env:(\w+) = '(.*)'$", text, re.MULTILINE))
    assert env == dict(plan.launch.env) and json.dumps(env)
