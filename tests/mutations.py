"""Does a test fail where it should? Break each law of mutations.yaml in a copy, and run the test that names it.

`python -m tests.mutations [WORD]` prints a line a change; 1 where a change goes unnoticed. Golden files are left aside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parent.parent
TABLE = Path(__file__).with_suffix(".yaml")
NEEDED = ("advisor", "profiles", "templates", "tests", "pyproject.toml")
TESTS_FAILED = 1  # pytest's exit status; other faults have others


class Mutation(NamedTuple):
    """One change of one text, and the test that must notice."""

    law: str
    fails: str
    change: str
    to: str


def mutations(word: str = "") -> Iterator[Mutation]:
    """The table's lines, or those whose law holds this word."""
    for entry in yaml.safe_load(TABLE.read_text(encoding="utf-8")):
        if word in entry["law"]:
            yield from (Mutation(entry["law"], entry["fails"], **change) for change in entry["changes"])


def place_of(text: str, package: Path) -> Path:
    """The one file of the package that holds the text.

    Raises:
        LookupError: none does, or it stands there more than once.
    """
    paths = [path for path in package.rglob("*") if path.suffix in (".py", ".yaml")]
    found = [path for path in paths for _ in range(path.read_text(encoding="utf-8").count(text))]
    if len(found) != 1:
        raise LookupError(f"{text!r} stands {len(found)} times in {package.name}/: mend {TABLE.name}")
    return found[0]


def status_of(tests: set[str], checkout: Path) -> int:
    """pytest's exit status for these tests."""
    env = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not golden and not engine"]
    return subprocess.run([*command, *tests], cwd=checkout, env=env, capture_output=True, check=False).returncode


def noticed(mutation: Mutation, checkout: Path) -> bool:
    """Whether the test fails while the change is there."""
    place = place_of(mutation.change, checkout / "advisor")
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace(mutation.change, mutation.to), encoding="utf-8")
    try:
        return status_of({mutation.fails}, checkout) == TESTS_FAILED
    finally:
        place.write_text(text, encoding="utf-8")


def main(word: str = "") -> int:
    """Try every change; print what was noticed."""
    asked = list(mutations(word))
    for one in asked:
        place_of(one.change, ROOT / "advisor")
    with TemporaryDirectory() as name:
        checkout = Path(name)
        for part in NEEDED:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, checkout / part)
        if status_of({one.fails for one in asked}, checkout):
            print("these tests fail without any change")
            return 1
        missed = 0
        for one in asked:
            seen = noticed(one, checkout)
            missed += not seen
            print(
                f"{'noticed' if seen else 'MISSED '}  {one.law}: {one.change.strip()} -> {one.to.strip()}", flush=True
            )
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
