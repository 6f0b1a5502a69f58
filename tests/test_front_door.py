"""`advisor` alone, help in four groups, and the report for an issue."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
from pathlib import Path

import pytest

from tests.test_cli import run


def test_help_has_four_groups() -> None:
    """Headings are lines that end in a colon, in the order in which a person thinks; each example has a line."""
    lines = run("recommend", "--help").stdout.splitlines()
    headings = [line for line in lines if re.fullmatch(r"[A-Z]\w+:", line)]
    assert headings == ["People:", "Model:", "Machine:", "Answer:"]
    assert not any(line.count("advisor recommend") > 1 for line in lines)


def test_alone_and_piped_it_prints_help() -> None:
    """Nobody is asked where nobody sits."""
    done = run()
    assert done.returncode == 0 and done.stdout.startswith("Usage: advisor")


def test_the_report_names_nobody() -> None:
    """Versions, catalogue and machine are told; no user, no host, no home."""
    told = run("doctor").stdout
    assert all(label in told for label in ("advisor", "Python", "libraries", "catalogue", "planned for", "machine"))
    names = {getpass.getuser(), socket.gethostname()} - {"root", "localhost"}
    assert not any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", told) for name in names)
    assert str(Path.home()) == "/root" or str(Path.home()) not in told


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_alone_on_a_terminal_it_asks_four_questions(tmp_path: Path) -> None:
    """A slip is asked again; the answer and the command that was built stand at the end, and nothing is written."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.environ["COLUMNS"] = "100"
        os.execv(sys.executable, [sys.executable, "-m", "advisor.cli"])  # noqa: S606 - this very program
    os.write(terminal, b"fifty\n50\n\n2x RTX 4090\nQwen/Qwen2.5-7B-Instruct\n")
    told = _read(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert "type: 50" in told and "YES" in told
    assert 'advisor recommend --users 50 --profile chat --gpu "2x RTX 4090" --model Qwen/Qwen2.5-7B-Instruct' in told
    assert list(tmp_path.iterdir()) == []


def _read(terminal: int) -> str:
    """Everything that is printed until the program ends."""
    parts = []
    while True:
        try:
            parts.append(os.read(terminal, 65536))
        except OSError:  # the other end is closed
            return b"".join(parts).decode()
        if not parts[-1]:
            return b"".join(parts).decode()
