"""The README and the pages beside it show what the program really prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, ROOT / ".github" / "EXAMPLE.md")
EXAMPLE = re.compile(
    r"<!-- (?P<how>output|beginning): advisor (?P<arguments>.*?) -->\n```\n(?P<shown>.*?)```\n", re.DOTALL
)


@pytest.mark.golden
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_example_output_is_real(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each example is what the command prints in an empty folder, or its beginning (`--update-golden` rewrites it)."""
    examples = list(EXAMPLE.finditer(page.read_text()))
    assert examples
    for example in examples:
        printed = printed_by(example["arguments"], tmp_path)
        if example["how"] == "beginning":
            printed = "".join(printed.splitlines(keepends=True)[: example["shown"].count("\n")])
        if request.config.getoption("--update-golden"):
            page.write_text(page.read_text().replace(example["shown"], printed))
        else:
            assert example["shown"] == printed


def printed_by(arguments: str, folder: Path) -> str:
    """Standard output of a command that says yes."""
    command = [sys.executable, "-m", "advisor.cli", *shlex.split(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_is_read_in_five_minutes() -> None:
    """Under 900 words; what is longer has a page of its own."""
    assert len(README.read_text().split()) < 900


def test_every_command_is_listed() -> None:
    """The README names every command of the program, and the program has every command that the README names."""
    from advisor.cli import COMMANDS

    text = README.read_text()
    named = set(re.findall(r"\| `advisor ([a-z]+)", text))
    assert named == set(COMMANDS)
