"""Pages that are made of the program: the manual, and what `explain` knows by kind; kept, and up to date."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor.cli import COMMANDS, app
from advisor.commands.manual import manual
from advisor.report.explain import names
from advisor.report.reference import KINDS, reference
from tests.required import absent

GITHUB = Path(__file__).parent.parent / ".github"
MANUAL = GITHUB / "advisor.1"
SHOWN = ("rules", "figures", "settings")


def kept(path: Path, made: str, request: pytest.FixtureRequest) -> None:
    """The file holds what is made (`--update-golden` rewrites it)."""
    if request.config.getoption("--update-golden"):
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made


@pytest.mark.golden
@pytest.mark.parametrize("kind", SHOWN)
def test_a_page_is_up_to_date(kind: str, request: pytest.FixtureRequest) -> None:
    """The pages beside the README are what `explain --all` prints."""
    kept(GITHUB / f"{kind.upper()}.md", reference(kind), request)


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "--all", "figures"], ["explain", "--all", "rules"], ["catalog", "formats"],
        ["recommend", "--users", "20", "--gpu", "2x RTX 4090", "--dry-run", "--offline", "--full"],
    ],
    ids=lambda words: " ".join(words[:3]),
)  # fmt: skip
def test_nothing_stands_in_the_order_of_a_set(words: list[str]) -> None:
    """Every start of Python orders its sets anew; what is printed stays the same."""
    said = {
        subprocess.run(
            [sys.executable, "-c", "from advisor.cli import main; main()", *words],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "1234"
    }  # fmt: skip
    assert len(said) == 1 and len(said.pop()) > 500


@pytest.mark.golden
def test_the_manual_is_up_to_date(request: pytest.FixtureRequest) -> None:
    """The page that the wheel installs is made of the help as it is."""
    kept(MANUAL, manual(app), request)


def test_every_entry_stands_in_a_page_with_its_source() -> None:
    """Whatever has a name is on one page, and each entry but those of engines names where it comes from."""
    pages = [reference(kind) for kind in KINDS]
    assert sum(len(re.findall("^## ", page, re.MULTILINE)) for page in pages) == len(list(names()))
    for page in pages:
        assert "file:" not in page  # a place on the machine that made it
        for entry in page.split("\n## ")[1:]:
            assert "- **source**: " in entry, entry[:80]
    figures = reference("figures")
    assert figures.count("- **formula**: ") == figures.count("\n## ")


def test_the_command_prints_a_page() -> None:
    """`--all` alone; with an ID, or with neither, it says what to type."""
    done = CliRunner().invoke(app, ["explain", "--all", "rules"])
    assert done.exit_code == 0 and done.output == reference("rules")
    for words in (["explain"], ["explain", "FIT101", "--all", "rules"], ["explain", "--all", "rules", "--json"]):
        wrong = CliRunner().invoke(app, words)
        assert wrong.exit_code == 2 and "advisor explain --all rules" in wrong.output


def test_the_manual_holds_every_command_and_is_made_again_alike() -> None:
    """Each command has its section, whatever the width of the terminal."""
    text = manual(app)
    for name in COMMANDS:
        assert f".SS advisor {name}" in text
    assert manual(app) == text


@pytest.mark.external
def test_the_manual_is_read_without_complaint() -> None:
    """What formats manual pages warns of nothing."""
    program = shutil.which("groff") or shutil.which("mandoc")
    if program is None:
        absent("there is neither groff nor mandoc: tests/tools/page.sh", "TOOLS")
    words = (
        [program, "-man", "-ww", "-z", str(MANUAL)] if program.endswith("groff") else [program, "-Tlint", str(MANUAL)]
    )
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stderr == "" and done.stdout == ""
