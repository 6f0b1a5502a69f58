"""`advisor catalog` through the front door."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from advisor.commands.catalog import KINDS, command, plain_lines


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_one_document(kind: str) -> None:
    """With --json standard output holds one document with every field, and nothing else."""
    result = CliRunner().invoke(command, [kind, "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_piped_output_is_plain(kind: str) -> None:
    """Without a terminal there is one entry a line, no colour, no blanks at line ends."""
    result = CliRunner().invoke(command, [kind])
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert all(line == line.rstrip() for line in result.stdout.splitlines())


def test_search() -> None:
    """Every word must be there, in any case and anywhere among names and columns."""
    result = CliRunner().invoke(command, ["gpus", "--search", "RTX 4090 d"])
    assert "NVIDIA GeForce RTX 4090 D" in result.stdout
    assert "RTX 3090" not in result.stdout


def test_nothing_found() -> None:
    """A search without a match says so on standard error and exits with 1."""
    result = CliRunner().invoke(command, ["models", "--search", "no such thing"])
    assert result.exit_code == 1
    assert "no such thing" in result.stderr


def test_unknown_kind() -> None:
    """Another kind is bad input."""
    assert CliRunner().invoke(command, ["disks"]).exit_code == 2


def test_columns_are_aligned() -> None:
    """Cells of one column begin at the same place."""
    assert plain_lines([("a", "b"), ("long", "c")]) == ["a     b", "long  c"]
