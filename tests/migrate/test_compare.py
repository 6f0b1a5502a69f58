"""Both engines are asked the same, and what each said stands side by side."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.migrate.compare import cosine
from tests.migrate.servers import Front, Model, dimensions, ollama, serving, vllm
from tests.migrate.test_stack import migrated, run
from tests.test_render_scripts import free


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Path, Front]]:
    """A migration folder whose old engine answers, and the new one that is not started yet."""
    before = ollama(Model("llama3.1:8b", info=dimensions(32, 4096, 32)))
    migrated(before, tmp_path)
    path = tmp_path / "migration" / "migration.json"
    after = vllm("llama3.1:8b", "x")
    after.port = free()
    path.write_text(path.read_text().replace("http://127.0.0.1:8000", after.url))
    with serving(before):
        yield tmp_path / "migration", after


def compared(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`advisor migrate --compare FOLDER`."""
    return run("--compare", str(folder), "--json", *words, cwd=folder)


def test_the_same_prompts_to_both(pair: tuple[Path, Front], tmp_path: Path) -> None:
    """Each prompt once to each, without chance in it; answers, waits and errors in a page and as JSON."""
    folder, after = pair
    (tmp_path / "own.txt").write_text("first\n\nsecond\n")
    with serving(after):
        done = compared(folder, "--prompts", str(tmp_path / "own.txt"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [each["prompt"] for each in found["pairs"]] == ["first", "second"] and found["errors"] == 0
    one = found["pairs"][0]
    assert one["before"]["text"].startswith("before0") and one["after"]["text"].startswith("after0")
    assert one["alike"] == "different" and 0 < one["after"]["ttft_s"] < one["after"]["whole_s"]
    assert all(body["temperature"] == 0 and body["model"] == "llama3.1:8b" for body in after.asked)
    page = (folder / "compare" / "compare.md").read_text()
    assert "before0" in page and "after0" in page and "| vllm |" in page


def test_an_engine_that_is_not_there(pair: tuple[Path, Front]) -> None:
    """The environment failed, and nothing is compared."""
    done = compared(pair[0])
    assert done.returncode == 3 and pair[1].url in done.stderr and not (pair[0] / "compare").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"models": 3}', '{"models": [1]}', '{"models": []}'])
def test_a_folder_that_is_none(text: str, tmp_path: Path) -> None:
    """Bad input that names the file."""
    (tmp_path / "migration.json").write_text(text)
    done = compared(tmp_path)
    assert done.returncode == 2 and "migration.json" in done.stderr


def test_the_angle_of_two_vectors() -> None:
    """One for vectors of one direction, whatever their length; 0 for what cannot be compared."""
    assert cosine((1, 2, 3), (2, 4, 6)) == pytest.approx(1.0)
    assert cosine((1, 0), (0, 1)) == cosine((1,), (1, 2)) == cosine((0, 0), (1, 1)) == 0.0
