"""What does not need Linux works where Python lacks what only POSIX has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.checklist.systems import looked
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan
from tests.hostile.poison import VISIBLE
from tests.required import absent

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


CMDLETS = {
    "Join-Path", "New-Item", "Out-Null", "Invoke-RestMethod", "Get-Command", "Start-Process", "Set-Content", "Get-Process",
    "Start-Sleep", "ConvertTo-Json", "Write-Output", "Test-Path", "Get-Content", "Remove-Item", "Where-Object",
    "Test-Answer",
}  # fmt: skip
GRAMMAR = Path(os.environ.get("ADVISOR_TOOLS") or "~/.cache/advisor-tools").expanduser() / "powershell-grammar"


def parsed(path: Path) -> dict[str, list[str]]:
    """A script as the grammar of PowerShell reads it."""
    python = GRAMMAR / "bin/python"
    if not python.exists():
        absent("the grammar of PowerShell is not there: tests/tools/judges.sh installs it", "TOOLS")
    done = subprocess.run(
        [python, ROOT / "tests/tools/powershell.py", path], capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.external
@pytest.mark.parametrize("change", [lambda plan: plan, used_running], ids=["own", "running"])
def test_a_grammar_of_powershell_reads_the_scripts(change: Callable[[Plan], Plan], tmp_path: Path) -> None:
    """Its parser finds no fault; the scripts call cmdlets, ollama and taskkill alone, and read no variable unset."""
    for file in files_of(change(planned("windows"))):
        if file.path.endswith(".ps1"):
            (tmp_path / file.path).write_text(file.text, encoding="utf-8")
            found = parsed(tmp_path / file.path)
            assert found["faults"] == []
            assert set(found["commands"]) <= CMDLETS | {"ollama", "taskkill"}, file.path
            ours = [name for name in found["variables"] if not name.startswith("$env:")]
            given = {"$PSScriptRoot", "$true", "$false", "$null", "$_", "$LASTEXITCODE", "$ErrorActionPreference"}
            told = [text for text in found["texts"] if text.startswith('"')]
            names = (name.strip("${}") for name in (*ours, *re.findall(r"\$\w+", " ".join(told))))
            used = {f"${name}" for name in names} - given
            assert all(re.search(rf"\{name} = ", file.text) for name in used), used


@pytest.mark.external
def test_a_grammar_of_powershell_takes_quoted_words_for_texts(tmp_path: Path) -> None:
    """Whatever stands in it, typographic quotes and line breaks included, a quoted word is one text and no command."""
    from advisor.quoting import powershell

    for number, text in enumerate(
        (VISIBLE, "a\u2019; ollama rm b\u2018", "$(calc)`n", "x\n'y'", "\u201c\u201d\u201e", "")
    ):
        (tmp_path / f"{number}.ps1").write_text(f"$x = {powershell(text)}\n", encoding="utf-8")
        found = parsed(tmp_path / f"{number}.ps1")
        assert not found["faults"] and not found["commands"] and found["variables"] == ["$x"]
        assert found["texts"] == [powershell(text)]


@pytest.mark.external
def test_a_person_on_windows_is_told_where_to_look(tmp_path: Path) -> None:
    """Nothing runs the lines there: each names what is typed in PowerShell, which its grammar reads, or who does what."""
    words = {"https://ollama.com/library lists that tag", "answers within the targets of README.md"}
    plan = planned("windows")
    for check in filter(lambda check: check.command, plan.checks):
        shows = looked(check, plan)
        typed = re.match(r"`([^`]+)`: .", shows)
        assert typed or shows in words, (check.id, shows)
        if typed:
            (tmp_path / f"{check.id}.ps1").write_text(typed[1])
            assert parsed(tmp_path / f"{check.id}.ps1")["faults"] == [], typed[1]


def test_what_stands_in_the_folder_is_no_pattern() -> None:
    """A folder of any name works: what takes patterns is told that a path is none; nothing beyond ASCII is misread."""
    for change in (lambda plan: plan, used_running):
        for file in files_of(replace(change(planned("windows")), summary="gro\u00dfe \u00d1")):
            if file.path.endswith(".ps1"):
                patterns = (
                    r"(?<!Join)(?<!Test)-Path (?!\$state \|)|(Test-Path|Get-Content|Remove-Item) (?!-LiteralPath)"
                )
                assert not re.search(patterns, file.text)
                assert file.text.isascii() or file.text.startswith("\ufeff")


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
