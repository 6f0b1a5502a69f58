"""The net under all commands, and standard output that takes no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from advisor import __version__, cli

ADVISOR = [sys.executable, "-m", "advisor.cli"]


def break_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command end in an error that nobody expected."""

    def fail(*_: object, **__: object) -> None:
        raise KeyError("\x1b[2J" + "x" * 500)

    monkeypatch.setattr(cli.app, "main", fail)


def test_an_unexpected_error_is_one_line_and_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody expected is one line with the version, the place and how to report it, and never exit code 1."""
    break_command(monkeypatch)
    monkeypatch.delenv("ADVISOR_DEBUG", raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    said = capsys.readouterr().err
    assert ended.value.code == 3
    assert said.count("\n") == 1
    assert said.startswith(f"advisor {__version__}: ")
    assert "KeyError" in said
    assert "cli.py:" in said
    assert "ADVISOR_DEBUG=1" in said
    assert len(said) < 400
    assert "\x1b" not in said


def test_the_traceback_is_there_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With ADVISOR_DEBUG=1 the traceback stands before the line."""
    break_command(monkeypatch)
    monkeypatch.setenv("ADVISOR_DEBUG", "1")
    with pytest.raises(SystemExit):
        cli.main([])
    assert capsys.readouterr().err.startswith("Traceback (most recent call last)")


LONG = ["catalog", "gpus", "--json"]
SHORT = ["explain", "FIT101"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [LONG, SHORT])
def test_a_full_standard_output_is_exit_code_3(arguments: list[str]) -> None:
    """An answer that could not be written is one line and exit code 3, whether the buffer or its end notices."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*ADVISOR, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == f"advisor: standard output cannot be written ({os.strerror(28)})\n"


@pytest.mark.parametrize("arguments", [LONG, SHORT])
def test_a_reader_that_leaves_is_no_fault(arguments: list[str]) -> None:
    """Where the reader of a pipe is gone (`| head`), the program ends without a word, and not with "no plan"."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*ADVISOR, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (3, "")


def test_a_closed_standard_output_is_exit_code_3() -> None:
    """Where standard output was never open, the program says so once."""
    line = 'exec "$@" >&-'
    done = subprocess.run(["sh", "-c", line, "sh", *ADVISOR, *SHORT], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "advisor: standard output cannot be written (it is closed)\n")


def test_a_closed_standard_error_ends_nothing() -> None:
    """Messages are lost where nobody can hear them; the answer is not."""
    line = 'exec "$@" 2>&-'
    done = subprocess.run(["sh", "-c", line, "sh", *ADVISOR, *SHORT], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert "FIT101" in done.stdout


PLAN = str(Path(__file__).parents[1] / "golden/one-person-rtx-4090/out/plan.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ["recommend", "--gpu", "T4", "--hardware", "hw.json", "--dry-run"],
        ["recommend", "--concurrency", "4", "--request-rate", "2", "--dry-run", "--offline"],
        ["probe", "--gpu", "T4", "--models-path", "."],
        ["probe", "--gpu", "T4", "--measure"],
        ["predict", "--requests", "rows.csv", "--out", "out.csv", "--json"],
        ["smoke", "folder", "--no-load", "--ramp"],
        ["smoke", "folder", "--no-load", "--in-flight", "4"],
        ["measurements", "forget", "abc", "--all"],
        ["smoke", "folder", "--no-load", "--seconds", "30"],
        ["smoke", "folder", "--no-load", "--prefix-cached"],
        ["probe", "--budget", "30s"],
        ["probe", "--engine", "vllm"],
        ["catalog", "update", "--undo", "--from", "b.zip"],
        ["catalog", "update", "--undo", "--force"],
        ["recommend", "--users", "5", "--staff", "50"],
        ["recommend", "--active-fraction", "0.5"],
        ["recommend", "--no-exposed", "--host", "llm.example.org"],
        ["recommend", "--engine", "ollama", "--engine-version", "vllm=pinned"],
        ["recommend", "--node-link", "100GbE"],
        ["size", "--gpu", "T4", "--can-get", "L4"],
        ["size", "--gpu", "T4", "--hardware", "hw.json"],
        ["size", "--pick", "1"],
        ["size", "--api-in", "1"],
        ["size", "--concurrency", "4", "--request-rate", "2"],
        ["capacity", "--gpu", "T4", "--hardware", "hw.json"],
        ["capacity", "--users", "5", "--staff", "50"],
        ["compare", "T4", "L4", "--gpu", "A10"],
        ["compare", "T4", "L4", "--hardware", "hw.json"],
        ["compare", "T4", "L4", "--gpu", "A10", "--hardware", "hw.json"],
        ["compare", "ollama", "vllm", "--engine", "vllm", "--gpu", "T4"],
        ["compare", "bf16", "fp8", "--quantization", "fp8", "--gpu", "T4"],
        ["compare", "Qwen/Qwen3-8B", "Qwen/Qwen3-4B", "--model", "Qwen/Qwen3-0.6B", "--gpu", "T4"],
        ["compare", PLAN, PLAN, "--gpu", "T4"],
        ["compare", PLAN, PLAN, "--engine", "vllm"],
        ["compare", PLAN, PLAN, "--model", "Qwen/Qwen3-8B"],
        ["compare", PLAN, PLAN, "--quantization", "fp8"],
        ["compare", PLAN, PLAN, "--nodes", "2"],
        ["compare", PLAN, "L4", "--gpu", "T4"],
    ],
    ids=" ".join,
)
def test_two_options_of_which_one_would_be_ignored_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing that a person says is passed over in silence: both options are named, exit code 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("advisor: ")


def test_what_one_of_several_takes_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """An option that a plan brings itself still counts for what stands beside the plan."""
    with pytest.raises(SystemExit) as ended:
        cli.main(
            ["compare", PLAN, "L4", "--engine", "vllm", "--quantization", "bf16", "--measurements", "none", "--json"]
        )
    assert ended.value.code in (0, 1), capsys.readouterr().err
    first, second = json.loads(capsys.readouterr().out)["compared"]
    assert first != second
