"""Settings that win: the advised ones against the engine's defaults and against a sweep, on this machine.

    . ~/.cache/advisor-engines/env.sh
    python -m tests.benchmarks.sweep ollama --minutes 30            # one factor at a time, then crosses of what mattered
    python -m tests.benchmarks.sweep vllm --together 3 --minutes 60 # three servers at once share the wait for their start
    python -m tests.benchmarks.sweep ollama --grid                  # every combination: days

Prints, for each number in flight, advised / best and advised / default output rate. Every run is a line of
tests/benchmarks/results/<engine>.jsonl (ignored by git), from which an interrupted sweep goes on; a point's figure is
the median of its runs, each scaled by how the advised settings did in the same batch. Points close to the best are repeated. `--under CMD` puts a command before each measurement,
`--starter CMD` before each start: on a shared machine, what makes it quiet.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from advisor.engines import ENGINES
from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from tests.benchmarks.loads import requests_at
from tests.benchmarks.points import (
    FACTORS,
    ONE_CENTRE,
    OUTPUT_TOKENS,
    Point,
    advised,
    default_of,
    grid,
    key_of,
    neighbours,
    point_of,
    told,
    with_point,
)

HERE = Path(__file__).parent
MATTERS = 1.02  # a value that gives so much more than the advised one is crossed with the others that do
CLOSE = 0.94  # of the best: measured again
ENOUGH = 3  # runs of a point that is close to the best
GUESS = 40.0  # tokens/s of a point never measured, for the time it will take
Todo = tuple[Point, int]


class Sweep:
    """What was measured so far, and what is worth measuring next."""

    def __init__(self, engine: str, levels: list[int], path: Path, *, every: bool) -> None:
        self.engine, self.levels, self.path, self.every = engine, levels, path, every
        self.plans = {level: advised(engine, level) for level in levels}
        self.centres, self.default = self._advised()
        self.failed: set[str] = set()

    def _advised(self) -> tuple[dict[int, Point], Point]:
        """What is advised for each level, and the default: as it was when the sweep began.

        A plan depends on the memory that is free, so a second look could find another one.
        """
        kept = self.path.with_suffix(".advised.json")
        known = json.loads(kept.read_text()) if kept.exists() else {}
        for level, plan in self.plans.items():
            known.setdefault(str(level), point_of(plan))
        known.setdefault("default", default_of(self.plans[max(self.levels)]))
        kept.write_text(json.dumps(known, indent=1))
        return {level: known[str(level)] for level in self.levels}, known["default"]

    def rates(self, level: int) -> dict[str, list[float]]:
        """Runs of each point at a level, as they would have been at the machine's usual pace.

        A machine changes its pace by a fifth within minutes. The centre is measured along with every batch, so each
        run is scaled by how the centre did in that batch.
        """
        rows = self._rows(level)
        centre = key_of(self.centre(level))
        paces: dict[int, list[float]] = {}
        for row in rows:
            if key_of(row["point"]) == centre:
                paces.setdefault(row["batch"], []).append(row["rate"])
        usual = median(run for runs in paces.values() for run in runs) if paces else 0.0
        found: dict[str, list[float]] = {}
        for row in rows:
            pace = usual / median(paces[row["batch"]]) if row["batch"] in paces else 1.0
            found.setdefault(key_of(row["point"]), []).append(row["rate"] * pace)
        return found

    def _rows(self, level: int) -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [row for row in map(json.loads, lines) if row["level"] == level and not row["errors"]]

    def todo(self) -> list[Todo]:
        """The next points and levels; a later stage only when the one before is measured."""
        for stage in (self._references, self._grid if self.every else self._one_by_one, self._crosses, self._again):
            missing = list(dict.fromkeys((key_of(point), level) for point, level in stage()))
            missing = [pair for pair in missing if pair[0] not in self.failed]
            if missing:
                return [(json.loads(key), level) for key, level in missing]
        return []

    def _unmeasured(self, wanted: Iterator[Todo]) -> Iterator[Todo]:
        known = {level: self.rates(level) for level in self.levels}
        return ((point, level) for point, level in wanted if key_of(point) not in known[level])

    def _references(self) -> Iterator[Todo]:
        return self._unmeasured(
            pair for level in self.levels for pair in ((self.centre(level), level), (self.default, level))
        )

    def _grid(self) -> Iterator[Todo]:
        return self._unmeasured((point, level) for point in grid(self.engine) for level in self.levels)

    def centre(self, level: int) -> Point:
        """The advised settings; of an engine that takes minutes to start, those for the most in flight."""
        return self.centres[max(self.levels) if self.engine in ONE_CENTRE else level]

    def _one_by_one(self) -> Iterator[Todo]:
        return self._unmeasured(
            (point, level)
            for level in self.levels
            for point in (self.centre(level), *(point for _, point in neighbours(self.engine, self.centre(level))))
        )

    def _crosses(self) -> Iterator[Todo]:
        return self._unmeasured((point, level) for level in self.levels for point in self._crossed(level))

    def _crossed(self, level: int) -> list[Point]:
        """Every combination of the values that alone were better than the advised ones."""
        known, centre = self.rates(level), self.centre(level)
        least = MATTERS * median(known.get(key_of(centre), [0.0]))
        better: dict[str, tuple[float, str | None]] = {}
        for name, point in neighbours(self.engine, centre):
            rate = median(known.get(key_of(point), [0.0]))
            if rate > max(least, better.get(name, (0.0, None))[0]):
                better[name] = (rate, point[name])
        points = [centre]
        for name, (_, text) in better.items():
            points += [{**point, name: text} for point in points]
        return points

    def _again(self) -> Iterator[Todo]:
        for level in self.levels:
            known = self.rates(level)
            best = max(map(median, known.values()))
            always = (key_of(self.centre(level)), key_of(self.default))
            for key, runs in known.items():
                if len(runs) < ENOUGH and (key in always or median(runs) >= CLOSE * best):
                    yield json.loads(key), level

    def guess(self, point: Point, level: int) -> float:
        """Tokens/s to expect."""
        known = self.rates(level)
        runs = known.get(key_of(point)) or [run for runs in known.values() for run in runs]
        return median(runs) if runs else GUESS


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Started:
    """A server with the settings of a point, started by its own run.sh."""

    def __init__(self, sweep: Sweep, point: Point, level: int, starter: list[str]) -> None:
        self.point = point
        self.plan = with_point(sweep.plans[level], point, free_port())
        self.folder = Path(tempfile.mkdtemp(prefix="advisor-sweep-"))
        write_tree(self.folder, files_of(self.plan), overwrite=True)
        self.out = (self.folder / "run.out").open("wb")
        self.starter = subprocess.Popen(
            [*starter, "bash", "run.sh"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out,
            env={**os.environ, "OLLAMA_MODELS": str(self.folder / "models")},
        )  # fmt: skip

    def ready(self) -> bool:
        """Wait for it; False where it does not start."""
        self.starter.wait()
        if self.starter.returncode:
            print((self.folder / "run.out").read_text(errors="replace")[-800:], file=sys.stderr)
        return self.starter.returncode == 0

    def job(self, sweep: Sweep, level: int) -> dict[str, Any]:
        """What loads.py has to know."""
        return {
            "port": self.plan.launch.port, "model": self.plan.launch.served_name, "level": level, "point": self.point,
            "exact": ENGINES[sweep.engine].observer().EXACT_LENGTH, "guess": sweep.guess(self.point, level),
            "told": told(self.point, sweep.centre(level)),
        }  # fmt: skip

    def stop(self) -> None:
        """End it, however far it came."""
        subprocess.run(["bash", "stop.sh"], cwd=self.folder, capture_output=True, check=False)
        self.out.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def batch(sweep: Sweep, todo: list[Todo], servers: int) -> list[tuple[Point, list[int]]]:
    """The points of the next few servers, each with the levels it is wanted at; the centres of these levels first."""
    wanted: dict[str, list[int]] = {}
    for point, level in todo:
        wanted.setdefault(key_of(point), []).append(level)
    chosen: dict[str, list[int]] = {}
    for key, levels in list(wanted.items())[: max(servers - 1, 1)]:
        chosen[key] = levels
        for level in levels:
            at = chosen.setdefault(key_of(sweep.centre(level)), [])
            at += [] if level in at else [level]
    return [(json.loads(key), levels) for key, levels in chosen.items()]


def measure(sweep: Sweep, chosen: list[tuple[Point, list[int]]], given: argparse.Namespace) -> float:
    """Start these servers, drive them, stop them. Returns the seconds of the measurement."""
    began, running, jobs = time.monotonic(), list[Started](), list[dict[str, Any]]()
    try:
        for point, levels in chosen:
            running.append(Started(sweep, point, max(levels), shlex.split(given.starter)))
        for server, (point, levels) in zip(running, chosen, strict=True):
            if server.ready():
                jobs += [server.job(sweep, level) for level in levels]
            else:
                sweep.failed.add(key_of(point))
        began = time.monotonic()
        if jobs:
            asked = running[0].folder / "jobs.json"
            asked.write_text(json.dumps({"jobs": jobs, "seconds": given.piece, "batch": round(time.time())}))
            words = [
                *shlex.split(given.under),
                sys.executable,
                "-m",
                "tests.benchmarks.loads",
                str(asked),
                str(sweep.path),
            ]
            subprocess.run(words, check=False)
        return time.monotonic() - began
    finally:
        for server in running:
            server.stop()


def table(sweep: Sweep) -> str:
    """Advised against best and default at each level, and what each single setting changed."""
    rows = [
        f"### {sweep.engine}", "",
        "| in flight | advised | default | best | advised/best | advised/default | best settings, where they differ | runs |",
        "|---:|---:|---:|---:|---:|---:|---|---:|",
    ]  # fmt: skip
    for level in sweep.levels:
        known = sweep.rates(level)
        if not known:
            continue
        mine, default = (median(known.get(key_of(p), [0.0])) for p in (sweep.centre(level), sweep.default))
        key = max(known, key=lambda key: median(known[key]))
        best = median(known[key])
        runs = "/".join(
            str(len(known.get(key_of(p), []))) for p in (sweep.centre(level), sweep.default, json.loads(key))
        )
        rows.append(
            f"| {level} | {mine:.1f} | {default:.1f} | {best:.1f} | {mine / best:.2f} | "
            f"{mine / default if default else 0:.2f} | {told(json.loads(key), sweep.centre(level))} | {runs} |"
        )
    rows += ["", "One setting at a time, total output tokens/s (÷ the advised value's):", "",
             f"| setting | {' | '.join(map(str, sweep.levels))} |", f"|---|{'---:|' * len(sweep.levels)}"]  # fmt: skip
    for name, values in FACTORS[sweep.engine].items():
        for text in values:
            cells = [_cell(sweep, level, name, text) for level in sweep.levels]
            if any(cells):
                rows.append(f"| {name.removeprefix('PARAMETER ')} {text or 'unset'} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _cell(sweep: Sweep, level: int, name: str, text: str | None) -> str:
    known, centre = sweep.rates(level), sweep.centre(level)
    runs, base = known.get(key_of({**centre, name: text})), known.get(key_of(centre))
    if not runs:
        return ""
    mark = " (advised)" if centre[name] == text else ""
    return f"{median(runs):.1f} ({median(runs) / median(base):.2f}){mark}" if base else f"{median(runs):.1f}"


def main() -> None:
    """Sweep one engine and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=sorted(FACTORS))
    parser.add_argument("--levels", default="1,4,16,64")
    parser.add_argument("--minutes", type=float, default=60, help="of measurement; 0: only print the table")
    parser.add_argument("--piece", type=float, default=540, help="seconds of one measurement at most")
    parser.add_argument("--together", type=int, default=1, help="servers that run side by side, driven one by one")
    parser.add_argument("--grid", action="store_true", help="every combination instead of one factor at a time")
    parser.add_argument("--under", default="", help="put before each measurement")
    parser.add_argument("--starter", default="", help="put before each start")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    given = parser.parse_args()
    levels = [int(word) for word in given.levels.split(",")]
    given.results.mkdir(exist_ok=True)
    sweep = Sweep(given.engine, levels, given.results / f"{given.engine}.jsonl", every=given.grid)
    left = given.minutes * 60
    while left > 0 and (todo := sweep.todo()):
        chosen = batch(sweep, todo, given.together)
        seconds = sum(requests_at(at) * OUTPUT_TOKENS / sweep.guess(p, at) for p, found in chosen for at in found)
        print(
            f"{len(todo)} to measure; next {len(chosen)} server(s), {seconds:.0f} s; {left:.0f} s left", file=sys.stderr
        )
        left -= measure(sweep, chosen, given)
    print(table(sweep))


if __name__ == "__main__":
    if subprocess.run(["bash", "-c", "command -v vllm ollama"], capture_output=True, check=False).returncode:
        sys.exit(
            "the engines are not on PATH: . ~/.cache/advisor-engines/env.sh (tests/engines/install.sh installs them)"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that `finally` stops the engines
    main()
