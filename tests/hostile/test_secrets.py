"""A canary in every place for keys: no file, page, answer, report, log or process list ever holds it."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from advisor import cli
from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from tests.hostile.poison import golden
from tests.hostile.table import hold, offspring, row
from tests.hostile.test_taint import FENCE, STANDINS
from tests.page.asking import QWEN, at, client

CANARY = "canary-0123456789abcdef-secret"
NAMES = (
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "ADVISOR_API_KEY", "ADVISOR_API_KEY_NEXT", "VLLM_API_KEY", "OLLAMA_API_KEY",
    "LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "POSTGRES_PASSWORD", "DATABASE_URL", "GRAFANA_PASSWORD",
    "GF_SECURITY_ADMIN_PASSWORD", "ALERT_WEBHOOK", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY",
)  # fmt: skip
KEPT_IN = {".env", "engine.env", "grafana.env", "keys.env", "nodes/nodes.env"}  # where a person writes them
SCENARIOS = ("case-a-llama-8b-h100", "fifty-users-two-cores", "deepseek-on-two-nodes")
# A program that writes down how it was called, as a process list would show it.
NOTING = '#!/bin/sh\nprintf "%s\\n" "$0 $*" >>"{log}"\ncase "$*" in *-K*) cat >/dev/null 2>&1 ;; esac\nexit 0\n'


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every key of the environment is the canary."""
    for name in NAMES:
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def holds(text: str | bytes) -> bool:
    """Whether the canary is in it, also as part of an encoding of it."""
    content = text.encode() if isinstance(text, str) else text
    return CANARY.encode() in content


def deployed(scenario: str, folder: Path) -> Path:
    """The folder of a plan with every part, and the canary wherever a person puts a key."""
    write_tree(folder, files_of(golden(scenario)), overwrite=False)
    for name in KEPT_IN:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("".join(f"{each}={CANARY}\n" for each in NAMES))
        (folder / name).chmod(0o600)
    return folder


def found_in(folder: Path) -> list[str]:
    """Files that hold it, but for those in which a person keeps it."""
    files = (path for path in folder.rglob("*") if path.is_file() and str(path.relative_to(folder)) not in KEPT_IN)
    return [str(path.relative_to(folder)) for path in files if holds(path.read_bytes())]


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Both streams of a command."""
    with pytest.raises(SystemExit):
        cli.main(arguments)
    out, err = capsys.readouterr()
    return out + err


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_script_shows_a_key(scenario: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Every script and block of commands of every way to run: no argument of a program, no file and no output is the key."""
    folder, log, bin_ = deployed(scenario, tmp_path / "d"), tmp_path / "called", tmp_path / "bin"
    bin_.mkdir()
    for name in STANDINS:
        (bin_ / name).write_text(NOTING.format(log=log))
        (bin_ / name).chmod(0o755)
    scripts = {path.name: path.read_text() for path in sorted(folder.rglob("*.sh"))}
    for page in folder.rglob("*.md"):
        scripts |= {f"{page.name} {number}": found[2] for number, found in enumerate(FENCE.finditer(page.read_text()))}
    env = {
        **dict.fromkeys(NAMES, CANARY),
        "PATH": f"{bin_}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C",
    }
    before = offspring(tmp_path)
    for name, script in scripts.items():
        done = subprocess.run(
            ["bash", "-c", script, str(folder / name)], cwd=folder, env=env, timeout=60, stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
        )  # fmt: skip
        assert not holds(done.stdout + done.stderr), name
    assert log.stat().st_size > 1000 and not holds(log.read_bytes())
    assert not found_in(folder) and offspring(tmp_path) <= before
    line = row(f"keys: {scenario}", "all scripts, files and pages", executed=0, left_processes=0)
    hold(line, update=pytestconfig.getoption("--update-golden"))


def test_no_answer_shows_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What commands print and write about a folder and a machine with keys: none of it is a key."""
    folder, out = deployed("case-a-llama-8b-h100", tmp_path / "d"), str(tmp_path / "new")
    asked = ["--gpu", "RTX 4090", "--model", QWEN, "--offline", "--production", "--host", "llm.example.org"]
    commands = [
        ["recommend", *asked, "--parts", "all", "--out", out, "--json"], ["recommend", *asked, "--dry-run", "--full"],
        ["check", str(folder), "--json"], ["check", out], ["report", str(folder), "--out", str(tmp_path / "r.html")],
        ["plan", "diff", str(folder), out], ["probe", "--json"], ["doctor"], ["measurements"], ["catalog", "version"],
        ["smoke", str(folder), "--no-load", "--runner", "native"],
        ["catalog", "update", "--from", f"https://me:{CANARY}@127.0.0.1:9/b.zip"],
        ["render", f"{out}/plan.json", "--force", "--json"], ["recommend", *asked, "--host", "\x1b"],
    ]  # fmt: skip
    for arguments in commands:
        assert not holds(said(arguments, capsys)), arguments
    assert not found_in(folder) and not found_in(Path(out)) and not holds((tmp_path / "r.html").read_bytes())


def test_the_page_shows_no_key() -> None:
    """The page, its parts, its folder and its answers for programs hold no key."""
    page, asked = client(), {"users": "5", "gpu": "RTX 4090", "model": QWEN, "parts": "all", "production": "yes"}
    for path in ("", "answer", "rest", "api/recommend", "api/probe", "api/openapi.json", "rate.csv"):
        answer = page.get(at(path, **asked))
        assert answer.status_code == 200 and not holds(answer.content), path
        assert not any(holds(header) for header in answer.headers.values())
    zipped = page.get(at("deploy.zip", **asked)).content
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        names = archive.namelist()
        assert all(name.startswith("deploy/") and ".." not in name for name in names) and len(names) > 10
        assert not any(holds(archive.read(name)) for name in names)


def test_a_traceback_shows_no_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What one is asked to report of a fault holds no variable of the environment."""
    monkeypatch.setenv("ADVISOR_DEBUG", "1")
    monkeypatch.setattr(cli.app, "main", lambda **_: int("x"))
    text = said([], capsys)
    assert "Traceback" in text and not holds(text) and os.environ["HF_TOKEN"] == CANARY
