"""`advisor plan diff A B`: everything that two plans do not share is said, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.cli import main
from advisor.pipeline import files_of, recommend
from advisor.report.differences import ABSENT, Differences, differences
from advisor.schema import Plan
from advisor.wire import to_data
from tests.scenarios import SCENARIOS, answer

MODEL = "Qwen/Qwen2.5-7B-Instruct"


def planned(**asked: object) -> Plan:
    """A plan on named cards."""
    made = recommend(profile=None, overrides={"model": MODEL, "offline": True, **asked}, gpu="RTX 4090").plan
    assert made is not None
    return made


def saved(plan: Plan, folder: Path) -> Path:
    """Its plan.json in a folder."""
    folder.mkdir()
    (folder / "plan.json").write_text(files_of(plan)[0].text)
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and standard output of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["plan", "diff", *words])
    return int(str(ended.value.code)), capsys.readouterr().out


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_plan_does_not_differ_from_itself(scenario: str) -> None:
    """Every section is empty for every scenario."""
    plan = answer(scenario).plan
    if plan is None:
        pytest.skip("nothing runs")
    assert not any(to_data(differences(plan, plan)).values())


def test_more_users_change_engine_settings_predictions_and_files() -> None:
    """From one user to fifty: each kind names what a person would look for, and the machine is the same."""
    found = differences(planned(users=1), planned(users=50))
    verdict = {each.name: (each.before, each.after) for each in found.verdict}
    assert verdict["engine"][0].startswith("ollama") and verdict["engine"][1].startswith("vllm")
    assert {"users", "profile"} <= {each.name for each in found.asked} and not found.machine
    slots = next(each for each in found.settings if each.name == "--max-num-seqs")
    assert slots.before == ABSENT and slots.because
    assert {"in flight at peak", "TPOT, p95"} <= {each.name for each in found.predictions}
    kinds = {file.path: file.kind for file in found.files}
    assert (kinds["Modelfile"], kinds["gateway/Caddyfile"], kinds["compose.yaml"]) == ("gone", "new", "changed")
    assert "plan.json" not in kinds


def test_the_other_way_round_is_the_mirror_image() -> None:
    """What was before is after, what is new is gone, lines that came went."""
    one, other = planned(users=2), planned(users=50)
    there, back = differences(one, other), differences(other, one)

    def pairs(found: Differences, turned: bool) -> set[tuple[str, ...]]:
        rows = (*found.verdict, *found.asked, *found.settings, *found.predictions)
        return {(row.name, *((row.after, row.before) if turned else (row.before, row.after))) for row in rows}

    assert pairs(there, turned=False) == pairs(back, turned=True)
    assert {(file.path, file.lines_added, file.lines_removed) for file in there.files} == {
        (file.path, file.lines_removed, file.lines_added) for file in back.files
    }


@pytest.mark.parametrize(
    ("asked", "kind", "name"),
    [
        ({"context_tokens": 16384}, "settings", "--max-model-len"),
        ({"ttft_ms": 9000.0}, "asked", "ttft_ms"),
        ({"exposed": True}, "files", "README.md"),
        ({"run": "systemd"}, "verdict", "parts"),
        ({"air_gapped": True}, "settings", "HF_HUB_OFFLINE"),
        ({"host": "llm.example.org"}, "files", ".env.example"),
    ],
)
def test_one_change_shows_in_its_section(asked: dict[str, object], kind: str, name: str) -> None:
    """Each lever of the question is seen where a person looks for it."""
    base = {"users": 50, "engine": "vllm"}
    found = getattr(differences(planned(**base), planned(**base, **asked)), kind)
    assert name in {getattr(each, "name", None) or each.path for each in found}


def test_another_machine_is_named() -> None:
    """More memory of the same machine stands under `machine`, by its path in plan.json."""
    plan = planned(users=50)
    cpu = replace(plan.hardware.cpu, memory_bytes=plan.hardware.cpu.memory_bytes * 2)
    found = differences(plan, replace(plan, hardware=replace(plan.hardware, cpu=cpu)))
    assert [each.name for each in found.machine] == ["cpu.memory_bytes"]


def test_the_command_reads_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text for people, one JSON document with --json, one sentence where nothing differs; exit code 0 each time."""
    one, other = saved(planned(users=2), tmp_path / "one"), saved(planned(users=50), tmp_path / "other")
    code, text = said(capsys, str(one), str(other / "plan.json"))
    assert code == 0 and "Predictions\n" in text and "in flight at peak" in text
    code, text = said(capsys, str(one), str(other), "--json")
    assert code == 0 and set(json.loads(text)) == set(Differences.__dataclass_fields__)
    assert said(capsys, str(one), str(one))[1].startswith("The two plans say the same")


def test_what_is_no_plan_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a plan, a file that is none, and nothing at all end with exit code 2."""
    (tmp_path / "no.json").write_text("{}")
    for words in ((str(tmp_path), str(tmp_path)), (str(tmp_path / "no.json"),) * 2, ("nowhere", "nowhere")):
        assert said(capsys, *words) == (2, "")
