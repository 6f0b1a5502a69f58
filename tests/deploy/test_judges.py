"""Other people's judges over every file: checkov and kube-score on the manifests, dclint on compose.yaml."""

from __future__ import annotations

import functools
import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.cluster import build
from tests.engines.engine_cases import tool
from tests.scenarios import SCENARIOS, plans

pytestmark = [pytest.mark.external, pytest.mark.xdist_group("judges")]

EXCEPTIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "exceptions.yaml").read_text()
)
Found = Mapping[str, set[str]]  # finding → builds of the engine where it was made


@functools.cache
def variants() -> Mapping[str, str]:
    """Scenario → the build of its engine, with the desk's beside it in its own folder."""
    return {scenario: made[0].launch.variant for scenario in SCENARIOS if (made := plans(scenario))}


def manifests(rendered: Callable[[str], Path], place: Path) -> list[Path]:
    """What Kustomize makes of every scenario's folder."""
    found = []
    for scenario in variants():
        for folder in rendered(scenario).glob("kubernetes"):
            found.append(place / f"{scenario}.yaml")
            found[-1].write_text(build(folder))
    return found


def said(*words: str) -> Any:
    """What the judge prints as JSON, whatever it makes of it."""
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout)


def by_checkov(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Finding and scenario."""
    report = said(
        tool("checkov"), "--directory", str(files[0].parent), "--framework", "kubernetes", "--compact", "--quiet",
        "--skip-download", "--output", "json",
    )  # fmt: skip
    for failed in report["results"]["failed_checks"]:
        yield failed["check_id"], Path(failed["file_path"]).stem


def by_kube_score(files: list[Path]) -> Iterator[tuple[str, str]]:
    """The same; a grade below the best is a finding."""
    for path in files:
        for judged in said(tool("kube-score"), "score", str(path), "--output-format", "json"):
            for check in judged["checks"] or ():
                if not check["skipped"] and check["grade"] < 10:
                    yield check["check"]["id"], path.stem


def by_dclint(folders: Mapping[str, Path], place: Path) -> Iterator[tuple[str, str]]:
    """The same; `place` takes the report, which a pipe would cut off."""
    files = {str(folder / "compose.yaml"): scenario for scenario, folder in folders.items()}
    there = [path for path in files if Path(path).exists()]
    report = place / "dclint.json"
    words = [tool("dclint"), *there, "--formatter", "json", "--output-file", str(report)]
    subprocess.run(words, capture_output=True, check=False)
    for judged in json.loads(report.read_text()):
        for message in judged["messages"]:
            yield message["rule"], files[judged["filePath"]]


def gathered(findings: Iterator[tuple[str, str]]) -> Found:
    """By finding, the builds where it was made."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, scenario in findings:
        found[name].add(variants()[scenario])
    return found


def excused(judge: str, found: Found) -> None:
    """Every finding has its reason, only where the reason holds, and no reason is left over."""
    known = EXCEPTIONS[judge]
    assert set(found) == set(known), f"new: {set(found) - set(known)}; needless: {set(known) - set(found)}"
    for name, builds in found.items():
        assert known[name]["why"] and builds <= set(known[name].get("only", builds)), (name, builds)


@pytest.mark.parametrize("judge", ["checkov", "kube-score"])
def test_manifests(judge: str, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """The manifests of every scenario, ROCm's too."""
    judges = {"checkov": by_checkov, "kube-score": by_kube_score}
    excused(judge, gathered(judges[judge](manifests(rendered, tmp_path))))


def test_compose_files(rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """compose.yaml of every scenario."""
    folders = {scenario: rendered(scenario) for scenario in variants()}
    excused("dclint", gathered(by_dclint(folders, tmp_path)))
