"""What changed in the files of the scenarios since a commit, in full: `python -m tests.golden_diff [COMMIT] [SCENARIO ...]`.

Most scenarios keep digests of their files only. Here both sides are rendered, each by its own code, and compared.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent


def rendered_by(checkout: Path, folder: Path) -> None:
    """Every scenario of a checkout, rendered by its code."""
    env = {**os.environ, "PYTHONPATH": str(checkout)}
    subprocess.run([sys.executable, "-m", "tests.scenarios", str(folder)], cwd=checkout, env=env, check=True)


def unpacked(commit: str, folder: Path) -> Path:
    """The tree of a commit."""
    folder.mkdir()
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=packed.stdout, check=True)
    return folder


def main(commit: str = "HEAD", *scenarios: str) -> int:
    """Print the difference, of the named scenarios or of all; 1 where there is one."""
    with TemporaryDirectory() as name:
        work = Path(name)
        rendered_by(unpacked(commit, work / "commit"), work / "before")
        rendered_by(ROOT, work / "now")
        command = ["git", "--no-pager", "diff", "--no-index"]
        differ = [
            subprocess.run([*command, f"before/{one}", f"now/{one}"], cwd=work, check=False).returncode
            for one in scenarios or ("",)
        ]
    return max(differ)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
