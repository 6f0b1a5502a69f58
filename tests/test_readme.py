"""The README shows what the program really prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
EXAMPLE = re.compile(r"<!-- output: advisor (?P<arguments>.*?) -->\n```\n(?P<output>.*?)```\n", re.DOTALL)


def test_the_example_output_is_real(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each example of the README is what the command prints in an empty folder (`--update-golden` rewrites it)."""
    text = README.read_text()
    examples = list(EXAMPLE.finditer(text))
    assert examples
    for example in examples:
        arguments = shlex.split(example["arguments"])
        done = subprocess.run(
            [sys.executable, "-m", "advisor.cli", *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr
        if request.config.getoption("--update-golden"):
            text = (
                text.replace(example["output"], done.stdout)
                if example["output"]
                else _filled(text, example, done.stdout)
            )
            README.write_text(text)
        assert f"```\n{done.stdout}```\n" in README.read_text()


def _filled(text: str, example: re.Match[str], output: str) -> str:
    return text.replace(example[0], example[0].replace("```\n```", f"```\n{output}```"))


def test_every_command_is_listed() -> None:
    """The README names every command of the program, and the program has every command that the README names."""
    from advisor.cli import COMMANDS

    text = README.read_text()
    named = set(re.findall(r"\| `advisor ([a-z]+)", text))
    assert named == set(COMMANDS)
