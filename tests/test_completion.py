"""What a shell offers behind TAB, asked as bash and zsh ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.commands.completing import cards, cards_in_words
from advisor.errors import BadInput
from advisor.probe.simulate import simulate
from tests.required import absent

OFFERED = [
    (["recommend", "--gpu", "rtx-409"], "rtx-4090"),
    (["recommend", "--model", "Qwen/Qwen2.5-7"], "Qwen/Qwen2.5-7B-Instruct"),
    (["recommend", "--profile", "ch"], "chat"),
    (["recommend", "--quantization", "awq"], "awq-int4"),
    (["recommend", "--user"], "--users"),
    (["explain", "SPD21"], "SPD210"),
    (["catalog", "gp"], "gpus"),
    (["check", "dep"], "deploy"),
    (["smoke", "dep"], "deploy"),
    (["tune", "dep"], "deploy"),
    (["render", "dep"], "deploy/plan.json"),
    (["report", "dep"], "deploy/plan.json"),
    (["rec"], "recommend"),
    # A quote that is still open stands in the word, as the shell has it.
    (["recommend", "--gpu", '"2x RTX 409'], "2x RTX 4090"),
    (["recommend", "--gpu", '"RTX 3090 + 2x L40'], "RTX 3090 + 2x L40S"),
    (["size", "--can-get", '"RTX 4090, H10'], "RTX 4090, H100 SXM5 80GB"),
    (["recommend", "--gpu", "4xrtx-409"], "4xrtx-4090"),
    (["probe", "--gpu", "mi300"], "amd-mi300x"),
    (["recommend", "--with", "BAAI/bge-m"], "BAAI/bge-m3"),
    (["recommend", "--engine", "ol"], "ollama"),
    (["recommend", "--run", "ku"], "kubernetes"),
    (["recommend", "--parts", "systemd,gat"], "systemd,gateway"),
    (["check", "deploy", "--target", "ku"], "kubernetes"),
    (["catalog", "schema", "pl"], "plan"),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a plan, and `advisor` as a program."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "plan.json").write_text("{}")
    program = tmp_path / "bin" / "advisor"
    program.parent.mkdir()
    root = Path(__file__).parents[1]
    program.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m advisor.cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


def asked(place: Path, shell: str, script: str) -> str:
    """What the shell prints."""
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", script], cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
@pytest.mark.parametrize(("words", "name"), OFFERED)
def test_bash_is_offered_the_name(words: list[str], name: str, place: Path) -> None:
    """The script that click makes for bash fills COMPREPLY with it, as one word."""
    setup = 'eval "$(_ADVISOR_COMPLETE=bash_source advisor)"'
    line = " ".join(f"'{word}'" for word in ["advisor", *words])
    call = (
        f'COMP_WORDS=({line}); COMP_CWORD={len(words)}; _advisor_completion advisor; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    assert name in asked(place, "bash", f"{setup}; {call}").splitlines()


@pytest.mark.parametrize(("words", "name"), OFFERED)
def test_zsh_is_offered_the_name(words: list[str], name: str, place: Path) -> None:
    """The script that click makes for zsh hands it to compadd or _describe."""
    if not shutil.which("zsh"):
        absent("there is no zsh here: tests/tools/page.sh installs it", "TOOLS")
    stubs = 'compdef() { :; }; compadd() { print -rl -- "${(@P)argv[-1]}"; }; _describe() { print -rl -- "${(@P)3}"; }; _path_files() { :; }'
    setup = 'eval "$(_ADVISOR_COMPLETE=zsh_source advisor)"'
    line = " ".join(f"'{word}'" for word in ["advisor", *words])
    call = f"words=({line}); CURRENT={len(words) + 1}; _advisor_completion"
    told = asked(place, "zsh", f"{stubs}; {setup}; {call}").splitlines()
    assert any(each.split(":")[0] == name for each in told), told


def test_every_card_that_is_offered_is_understood() -> None:
    """A name behind TAB is a card, or is asked which of its kinds is meant; outside quotes it has no blank."""
    assert not any(" " in name for name in cards())
    for name in (*cards(), *cards_in_words()):
        try:
            simulate(name)
        except BadInput as refused:
            assert any(asked in str(refused) for asked in ("how many GB", "comes with", "which?", "did you mean")), (
                refused
            )
