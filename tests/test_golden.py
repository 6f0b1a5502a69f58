"""Golden scenarios: a folder tells one story from machine and load to verdict and files.

`tests/golden/<scenario>/scenario.yaml` names a recorded machine and a workload. What comes out is kept beside it:
`verdict.json`, `out/plan.json`, and in `files.txt` mode, size, SHA-256 and path of every other file. Scenarios that say
under `whole` why, keep the files themselves in `out/` too. `pytest tests/test_golden.py --update-golden` rewrites all of it;
read the diff before you commit it, with `python -m tests.golden_diff` also that of files that are not kept.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from advisor.pipeline import Answer
from advisor.schema import RenderedFile
from advisor.wire import to_data
from tests.scenarios import GOLDEN, SCENARIOS, answer, files, story, write

MOST_ENTRIES = 400  # files and folders together: what is kept must stay something that people read


@pytest.fixture
def updating(request: pytest.FixtureRequest) -> bool:
    """Whether to rewrite what is kept."""
    return bool(request.config.getoption("--update-golden"))


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


@pytest.mark.golden
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_has_the_verdict_that_is_kept(scenario: str, updating: bool) -> None:
    """Machine and load of the scenario give verdict.json, number by number."""
    path, seen = GOLDEN / scenario / "verdict.json", _verdict(answer(scenario))
    if updating:
        path.write_text(json.dumps(seen, indent=2, ensure_ascii=False) + "\n")
    _same(seen, json.loads(path.read_text()), "verdict")


@pytest.mark.golden
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_has_the_plan_and_the_files_that_are_kept(scenario: str, updating: bool) -> None:
    """The plan is kept number by number, of every other file the digest, and where `whole` says so each letter."""
    out = GOLDEN / scenario / "out"
    made = {file.path: file for file in files(scenario)}
    plan = made.pop("plan.json", None)
    if updating:
        shutil.rmtree(out, ignore_errors=True)
        write(files(scenario) if "whole" in story(scenario) else [plan] if plan else [], out)
        (GOLDEN / scenario / "files.txt").write_text("".join(f"{line}\n" for line in _digest(made.values())))
    changed = set(_digest(made.values())) ^ set((GOLDEN / scenario / "files.txt").read_text().splitlines())
    assert not changed, _told(scenario, made, sorted({line.split(maxsplit=3)[3] for line in changed}))
    assert (out / "plan.json").is_file() == (plan is not None)
    if plan is not None:
        _same(json.loads(plan.text), json.loads((out / "plan.json").read_text()), "plan")
    kept = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} - {"plan.json"}
    assert kept == (set(made) if "whole" in story(scenario) else set())
    assert all((out / path).read_text() == made[path].text for path in kept)


def _digest(rendered: Iterable[RenderedFile]) -> list[str]:
    """A line a file, by path: mode, size in bytes, SHA-256, path."""
    return [
        f"{'0755' if file.executable else '0644'} {len(file.text.encode()):>6} "
        f"{hashlib.sha256(file.text.encode()).hexdigest()} {file.path}"
        for file in sorted(rendered, key=lambda file: file.path)
    ]


def _told(scenario: str, made: Mapping[str, RenderedFile], changed: list[str]) -> str:
    """The files that changed; how, where their text is kept; else the command that shows it."""
    texts = [_difference(GOLDEN / scenario / "out" / path, made.get(path)) for path in changed]
    hint = f"whole texts, since HEAD or any other commit: python -m tests.golden_diff HEAD {scenario}"
    return "\n".join([f"{scenario}: {len(changed)} files changed: {', '.join(changed)}", *filter(None, texts), hint])


def _difference(kept: Path, now: RenderedFile | None) -> str:
    """A unified diff; nothing where the text is not kept."""
    if not kept.is_file():
        return ""
    before, after = (text.splitlines() for text in (kept.read_text(), now.text if now else ""))
    return "\n".join(difflib.unified_diff(before, after, f"kept/{kept.name}", f"now/{kept.name}", lineterm=""))


def test_there_are_enough_scenarios_and_no_more_is_kept_than_can_be_read() -> None:
    """At least sixteen stories, each with a sentence on what it is about; about six keep every file and say why."""
    assert len(SCENARIOS) >= 16
    assert all(story(scenario)["says"].endswith(".") for scenario in SCENARIOS)
    whole = [story(scenario)["whole"] for scenario in SCENARIOS if "whole" in story(scenario)]
    assert 5 <= len(whole) <= 7 and all(why.endswith(".") for why in whole)
    assert sum(1 for _ in GOLDEN.rglob("*")) + 1 <= MOST_ENTRIES
