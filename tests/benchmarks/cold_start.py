"""How long the main command takes from nothing, beside what its libraries alone take to import. A figure, not a test.

python -m tests.benchmarks.cold_start [--runs 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    'recommend --users 50 --gpu "RTX 4090"': ["-m", "advisor.cli", "recommend", "--users", "50", "--gpu", "RTX 4090", "--force"],
    "the same with --json --dry-run": [
        "-m", "advisor.cli", "recommend", "--users", "50", "--gpu", "RTX 4090", "--json", "--dry-run",
    ],
    "--help": ["-m", "advisor.cli", "--help"],
    "import click, pydantic, jinja2, yaml": ["-c", "import click, pydantic, jinja2, yaml"],
    "nothing": ["-c", "pass"],
}  # fmt: skip


def median_s(arguments: list[str], runs: int) -> float:
    """Median wall time in seconds of a whole process, after one run that warms the byte code."""
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for number in range(runs + 1):
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, *arguments], cwd=folder, capture_output=True, check=False, env=_environment(folder)
            )
            if done.returncode not in (0, 1):
                raise SystemExit(done.stderr.decode())
            if number:
                times.append(time.perf_counter() - begin)
        return statistics.median(times)


def _environment(folder: str) -> dict[str, str]:
    """As an installed program runs: byte code is kept (some sandboxes switch that off for every process)."""
    kept = {name: item for name, item in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"XDG_CACHE_HOME": folder}


def main() -> None:
    """Print one line a command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    for name, arguments in COMMANDS.items():
        print(f"{median_s(arguments, runs):7.3f} s  {name}")


if __name__ == "__main__":
    main()
