"""A clone is whole: nothing in it points to files that a stranger does not have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from advisor.catalog import sources

ROOT = Path(__file__).parent.parent
PLACES = (
    "advisor",
    "templates",
    "tests",
    "profiles",
    ".ci",
    ".github",
    "README.md",
    "NOTICE",
    "CHANGELOG.md",
    "pyproject.toml",
)
# What lies beside the repository where it is developed: a folder, and notes by their names.
ELSEWHERE = re.compile(r"[.]{2}/shared|(?<!_)\bshared/(data|[A-Z])|\b(ENGINES|INTERFACE|REAL_PARTS|LANDSCAPE)[.]md")
LARGEST_BYTES = 600_000  # of one file


def _files(place: str) -> list[Path]:
    path = ROOT / place
    found = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return [file for file in found if "__pycache__" not in file.parts and "results" not in file.parts]


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_cited_that_lies_elsewhere(place: str) -> None:
    """No line of code, test, template or document names a folder or a note outside the repository."""
    told = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for file in _files(place)
        if file.suffix != ".png"
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if ELSEWHERE.search(line)
    ]
    assert told == []


def test_no_file_is_large() -> None:
    """What tests read is an excerpt: no file of the repository is larger than 600 kB."""
    large = [
        str(file.relative_to(ROOT)) for place in PLACES for file in _files(place) if file.stat().st_size > LARGEST_BYTES
    ]
    assert large == []


def test_the_pictures_of_the_readme_are_here_and_small() -> None:
    """Each picture that a page of the repository shows is a file of at most 150 kB."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert len(shown) == 2
    for name in shown:
        assert 10_000 < (ROOT / name).stat().st_size <= 150_000, name


def test_what_the_sources_cite_here_is_here() -> None:
    """Where a note of the catalogue's sources gives a path, the file exists."""
    for key, source in sources().items():
        for path in re.findall(r"(?:advisor|tests|catalog)/[\w./-]+\.\w+", source.note):
            assert (ROOT / path).is_file(), f"{key}: {path}"
