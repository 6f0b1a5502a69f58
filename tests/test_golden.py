"""Golden scenarios: a folder tells one story from machine and load to verdict and files.

`tests/golden/<scenario>/scenario.yaml` names a recorded machine and a workload; `verdict.json` and `out/` are what comes out.
`pytest tests/test_golden.py --update-golden` rewrites them; read the diff before you commit it.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.pipeline import Answer, files_of, recommend
from advisor.wire import to_data

GOLDEN = Path(__file__).parent / "golden"
HARDWARE = Path(__file__).parent / "hardware"
SCENARIOS = sorted(path.parent.name for path in GOLDEN.glob("*/scenario.yaml"))


def _answer(scenario: str) -> Answer:
    story: dict[str, Any] = yaml.safe_load((GOLDEN / scenario / "scenario.yaml").read_text())
    return recommend(
        profile=story.get("profile"),
        overrides=story.get("options", {}),
        hardware_file=HARDWARE / f"{story['hardware']}.json",
    )


def _verdict(answer: Answer) -> dict[str, Any]:
    """What a reader of the scenario wants to see at a glance."""
    verdict = answer.verdict
    data = {
        "engine": verdict.engine,
        "meets_targets": verdict.meets_targets,
        "summary": verdict.summary,
        "confidence": verdict.confidence,
        "model": answer.model.hf_id,
        "crossover_in_flight": verdict.crossover_in_flight,
        "capacity_in_flight": verdict.capacity_in_flight,
        "reasons": [f"{finding.rule} {finding.severity}: {finding.message}" for finding in verdict.reasons],
        "nearest_yes": [f"{change.change} -> {change.result}" for change in verdict.nearest_yes],
        "lost": [
            f"{j.estimate.candidate.engine} {j.estimate.candidate.weights_format} on "
            f"{len(j.estimate.candidate.gpu_indices)} GPUs: {j.why_lost}"
            for j in verdict.losers
        ],
    }
    plain: dict[str, Any] = json.loads(json.dumps(to_data(data)))
    return plain


def _same(seen: Any, kept: Any, where: str) -> None:
    """Equal, numbers to six digits: the last bit of a logarithm may differ between machines."""
    if isinstance(kept, dict):
        assert isinstance(seen, dict) and seen.keys() == kept.keys(), where
        for key in kept:
            _same(seen[key], kept[key], f"{where}.{key}")
    elif isinstance(kept, list):
        assert isinstance(seen, list) and len(seen) == len(kept), where
        for number, (one, other) in enumerate(zip(seen, kept, strict=True)):
            _same(one, other, f"{where}[{number}]")
    elif isinstance(kept, float) or isinstance(seen, float):
        assert math.isclose(seen, kept, rel_tol=1e-6), where
    else:
        assert seen == kept, where


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_tells_the_same_story(scenario: str, request: pytest.FixtureRequest) -> None:
    """Machine and load of the scenario give the verdict and, file by file, the folder that is kept beside it."""
    folder = GOLDEN / scenario
    answer = _answer(scenario)
    verdict = _verdict(answer)
    files = {file.path: file.text for file in files_of(answer.plan)} if answer.plan else {}
    if request.config.getoption("--update-golden"):
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "verdict.json").write_text(json.dumps(verdict, indent=2, ensure_ascii=False) + "\n")
        for path, text in files.items():
            target = folder / "out" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    _same(verdict, json.loads((folder / "verdict.json").read_text()), "verdict")
    kept = {str(p.relative_to(folder / "out")): p.read_text() for p in (folder / "out").rglob("*") if p.is_file()}
    assert files.keys() == kept.keys()
    for path, text in files.items():
        if path.endswith(".json"):
            _same(json.loads(text), json.loads(kept[path]), path)
        else:
            assert text == kept[path], path


def test_there_are_enough_scenarios() -> None:
    """At least sixteen stories are kept, and each says in one sentence what it is about."""
    assert len(SCENARIOS) >= 16
    for scenario in SCENARIOS:
        assert yaml.safe_load((GOLDEN / scenario / "scenario.yaml").read_text())["says"].endswith(".")
