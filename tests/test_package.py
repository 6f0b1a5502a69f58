"""What is shipped: a wheel, installed elsewhere, does the main job without the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout and unpacked into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("llm_engine_advisor-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", "advisor.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )


def test_the_wheel_does_the_main_job(site: Path, tmp_path: Path) -> None:
    """From the wheel alone, `recommend` writes the folder, with the shipped templates and profiles."""
    done = _run(site, tmp_path, "recommend", "--users", "50", "--gpu", "RTX 4090", "--profile", "chat", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["files"]) == {
        str(p.relative_to(tmp_path / "deploy")) for p in _files(tmp_path / "deploy")
    }


def test_the_wheel_brings_the_manual(site: Path) -> None:
    """Installed, `man advisor` finds it."""
    (manual,) = site.glob("*.data/data/share/man/man1/advisor.1")
    assert manual.read_text(encoding="utf-8").startswith(".TH ADVISOR 1")


def test_the_wheel_is_not_the_checkout(site: Path, tmp_path: Path) -> None:
    """What ran is the wheel's own code, and it holds templates, profiles, data, licence and notice but no refresh data."""
    code = "import advisor; print(advisor.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        check=True,
    )
    assert done.stdout.startswith(str(site))
    names = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert "advisor/_profiles/chat.yaml" in names
    assert "advisor/_templates/_shared/compose.yaml.j2" in names
    assert any(name.endswith("licenses/NOTICE") for name in names)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_shipped_is_built_the_same_twice(kind: str, tmp_path: Path) -> None:
    """Two builds, at other times and with other rights for new files, give the same bytes."""
    made = []
    for number, mask in ((0, 0o022), (1, 0o077)):
        place = tmp_path / str(number)
        build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(place)]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True, umask=mask)
        (file,) = (path for path in place.iterdir() if path.is_file())
        made.append((file.name, file.read_bytes()))
    assert made[0] == made[1]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".advisor")]
