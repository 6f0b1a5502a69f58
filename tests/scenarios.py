"""The scenarios of tests/golden as inputs: each is answered and rendered anew, once a process.

`python -m tests.scenarios FOLDER` writes every file of every scenario; `python -m tests.golden_diff` compares two commits.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from advisor.pipeline import Answer, files_of, recommend
from advisor.schema import CatalogStamp, Plan, RenderedFile

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden"
FACTS = CatalogStamp(version="2026.11.28", date="2026-11-28", checksum="sha256:0")
SCENARIOS = sorted(path.parent.name for path in GOLDEN.glob("*/scenario.yaml"))


@cache
def story(scenario: str) -> dict[str, Any]:
    """What scenario.yaml says: `says`, `hardware`, `profile`, `options`, and `whole` where every file is kept."""
    told: dict[str, Any] = yaml.safe_load((GOLDEN / scenario / "scenario.yaml").read_text(encoding="utf-8"))
    return told


@cache
def answer(scenario: str, **other: Any) -> Answer:
    """What `recommend` says to the scenario, with other options where the caller wants them."""
    told = story(scenario)
    found = recommend(
        profile=told["profile"],
        overrides=told["options"] | other,
        hardware_file=TESTS / "hardware" / f"{told['hardware']}.json",
    )
    return replace(found, plan=found.plan and _of_one_day(found.plan))


def _of_one_day(plan: Plan) -> Plan:
    """The plan without the checksum of the day's facts: what is kept would change with every one of them."""
    desk = plan.desk and replace(plan.desk, catalog=FACTS)
    return replace(plan, catalog=FACTS, desk=desk)


def plans(scenario: str) -> tuple[Plan, ...]:
    """The scenario's plan and the desk's, as far as there are any."""
    made = answer(scenario).plan
    return tuple(plan for plan in (made, made.desk if made else None) if plan)


@cache
def files(scenario: str) -> tuple[RenderedFile, ...]:
    """Every file of the scenario's folder, plan.json too; none where nothing can run."""
    made = answer(scenario).plan
    return files_of(made) if made else ()


@cache
def every_file(scenario: str) -> tuple[RenderedFile, ...]:
    """The scenario's folder with every way to run it, for the programs that judge files."""
    made = answer(scenario, run="all").plan
    return files_of(made) if made else ()


def write(rendered: Iterable[RenderedFile], folder: Path) -> Path:
    """Put files into a folder, with their modes."""
    for file in rendered:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
        path.chmod(0o755 if file.executable else 0o644)
    return folder


if __name__ == "__main__":
    for name in SCENARIOS:
        write(files(name), Path(sys.argv[1]) / name)
