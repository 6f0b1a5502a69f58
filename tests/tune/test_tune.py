"""Tuning a folder whose engine is a fake one: more slots serve more, and nothing else changes anything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.catalog import constants
from advisor.decide.judge import judge
from advisor.folder.saved import plan_in
from advisor.folder.write import write_tree
from advisor.measured.correction import Measurements
from advisor.pipeline import files_of, recommend
from advisor.report.differences import differences
from advisor.schema import Plan, Question
from advisor.smoke.job import Progress
from advisor.smoke.outcome import SmokeReport, StepResult
from advisor.smoke.trust import require_ours
from advisor.tune import search
from advisor.tune.anew import told_anew
from advisor.tune.knobs import changed, marked, trials, with_candidate
from advisor.tune.outcome import TuneReport, lines
from advisor.tune.run import tune
from advisor.tune.trial import Looks
from advisor.units import count
from tests.smoke.test_faults import deployment, plan_on_free_port, planned
from tests.test_cli import run

__all__ = ["deployment"]  # the fixture
SLOTS = {"field": "max_in_flight", "shares": [1.0], "unsure": 20.0, "what": "{value} at once instead of {before}"}
MODEL, SMALL = "Qwen/Qwen2.5-7B-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"


PLANS = [("vllm", "RTX 4090", 32), ("ollama", "RTX 4090", 8), ("vllm", "2x H100", 200), ("ollama", "RTX 3060 12GB", 4),
         ("vllm", "cpu only", 16), ("ollama", "cpu only", 16), ("vllm", "RTX 4090", 1)]  # fmt: skip


@pytest.fixture
def narrow(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder planned for one at a time, of whom four ask; tried is only a slot for each, with short looks."""
    monkeypatch.setitem(constants("tuning"), "settings", [SLOTS])
    monkeypatch.setattr(search, "_LEAST_S", 0.5)
    plan = plan_on_free_port()
    plan = replace(plan, estimate=replace(plan.estimate, peak_in_flight=4))
    plan = with_candidate(plan, replace(plan.estimate.candidate, max_in_flight=1), Measurements())
    write_tree(deployment, files_of(plan), overwrite=True)
    return deployment


def looks_at(folder: Path) -> Looks:
    """Natively, in silence."""
    return Looks(folder=folder, runner="native", progress=Progress())


def test_a_better_setting_goes_into_the_plan(narrow: Path) -> None:
    """Four slots are found and marked as measured here; the start stays what a plan of one slot said."""
    plan = plan_in(narrow)
    tuned, report, _ = tune(plan, looks_at(narrow), 60.0, Measurements())
    assert report.best == "4 at once instead of 1", report
    assert report.gain > 1 and report.seconds <= 60 and not report.errors
    assert tuned.estimate.candidate == replace(plan.estimate.candidate, max_in_flight=4)
    told = next(setting for setting in tuned.settings if setting.name == "--max-num-seqs")
    assert (told.value, told.source) == ("4", "measured-here") and told.because.startswith("measured here: ")
    says_what_is_true_now(plan, tuned, report)
    write_tree(narrow, files_of(tuned), overwrite=False)
    assert plan_in(narrow) == tuned and planned(narrow).launch.port == plan.launch.port
    require_ours(tuned, narrow)


def says_what_is_true_now(plan: Plan, tuned: Plan, report: TuneReport) -> None:
    """Summary, findings, files, difference and terminal hold the figures of the tuned plan, and none of the old ones."""
    speed = tuned.estimate.peak_speed
    assert speed is not None and f"then {count(1 / speed.tpot_s.expected)} tokens/s each" in tuned.summary
    assert "Tuned, measured here: " in tuned.summary and "4 at once instead of 1" in tuned.summary
    found = differences(plan, tuned)
    assert {"summary", "slots"} <= {each.name for each in found.verdict} and found.predictions == report.figures
    assert report.summary == tuned.summary and any(tuned.summary in line for line in lines(report))
    readme = next(file.text for file in files_of(tuned) if file.path == "README.md")
    assert "Tuned, measured here" in readme
    now = {finding.rule for finding in judge(tuned.estimate, question_of(plan)).findings}
    assert now <= {finding.rule for finding in tuned.findings}


@pytest.mark.parametrize(("engine", "gpu", "in_flight"), PLANS)
def test_every_trial_that_wins_says_so_anew(engine: str, gpu: str, in_flight: int) -> None:
    """Whatever was changed of whichever plan: the words are those of its own figures, and telling them again adds nothing."""
    start = plan_for(engine, gpu, in_flight)
    for trial in trials(start, Measurements())[:2]:
        told = told_anew(trial.plan, Measurements(), "faster")
        assert told.summary.endswith(". Tuned, measured here: faster.") and told.engine == start.engine
        assert told_anew(told, Measurements(), "faster") == told
        own = judge(trial.plan.estimate, question_of(start)).findings
        assert set(own) <= set(told.findings) and replace(told, summary="", findings=()) == replace(
            trial.plan, summary="", findings=()
        )


def question_of(plan: Plan) -> Question:
    """What the plan was asked."""
    return Question(model=plan.model, workload=plan.workload, hardware=plan.hardware, measurements=Measurements())


def test_a_plan_that_does_not_start_is_an_environment_that_failed(
    narrow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, the reason of the engine, and a folder as it was."""
    monkeypatch.setenv("FAKE_FAULT", "flag")
    before = (narrow / "plan.json").read_bytes()
    done = run("tune", str(narrow), "--budget", "20s", "--runner", "native")
    assert done.returncode == 3 and "unrecognized arguments" in done.stderr, done.stderr
    assert (narrow / "plan.json").read_bytes() == before


def test_ctrl_c_stops_what_runs(narrow: Path) -> None:
    """In the middle of the first look: nothing runs on, the folder is as it was, exit code 130."""
    before = (narrow / "plan.json").read_bytes()
    words = [sys.executable, "-m", "advisor.cli", "tune", str(narrow), "--runner", "native", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and process.stdout is not None
        for line in process.stderr:
            if "warm up" in line:
                break
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        told = json.loads(process.stdout.read())
        assert process.wait(60) == 130
    assert told["interrupted"] and told["best"] == "as planned"
    assert (narrow / "plan.json").read_bytes() == before


@pytest.mark.parametrize(
    ("scores", "best", "gain", "said"),
    [
        ({}, "as planned", 0.0, "no change of it was measured"),
        ({"as planned": (5.0,)}, "as planned", 0.0, "no change of it was measured"),
        ({"as planned": (5.0,), "more": (5.1,)}, "as planned", 0.0, "nothing was better beyond noise"),
        ({"as planned": (5.0,), "more": (8.0,)}, "more", 0.6, "Better: more, +60% at 4 in flight"),
        ({"as planned": (0.0,), "more": (8.0,)}, "more", 0.0, "Better: more, where the plan got nothing"),
    ],
)
def test_the_answer_says_no_more_than_was_measured(
    scores: dict[str, tuple[float, ...]], best: str, gain: float, said: str
) -> None:
    """Of a search that ended before anything was tried it does not say that nothing was better."""
    report = TuneReport(
        plan="p", engine="vllm", unit="tokens/s", in_flight=4, budget_s=60, seconds=9, best=best, gain=gain,
        scores=scores, turns={}, failed=(), not_tried=("other",), because="it was interrupted", interrupted=True,
    )  # fmt: skip
    told = "\n".join(lines(report))
    assert said in told and "it was interrupted" in told and "not tried: other" in told


def test_an_error_names_the_folder_that_was_given(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials run in copies of it, which are gone by the time that somebody reads of them."""
    monkeypatch.setattr("advisor.tune.trial.smoke", lambda plan, folder, *_, **__: failing(folder))
    looks = looks_at(deployment)
    assert looks.at("as planned", plan_in(deployment), 1.0, 9.0) is None
    assert looks.errors == [f"as planned: preflight: run.sh is not in {deployment}"]


def failing(folder: Path) -> SmokeReport:
    """A look that found a file missing."""
    step = StepResult(name="preflight", result="fail", seconds=0.0, detail=f"run.sh is not in {folder}")
    return SmokeReport(
        plan="p", engine="vllm", engine_version="0", planned_version="0", model="m", runner="native", began="",
        seconds=0.0, steps=(step,),
    )  # fmt: skip


def test_a_changed_folder_needs_trust(narrow: Path) -> None:
    """What is not the plan's is not run, as for the smoke test."""
    (narrow / "run.sh").write_text("#!/bin/sh\necho mine\n")
    done = run("tune", str(narrow), "--budget", "20s")
    assert done.returncode == 2 and "--trust-files" in done.stderr


@pytest.mark.parametrize("budget", ["5s", "ten", "48h", "-3m", "1e9"])
def test_a_budget_is_a_time(narrow: Path, budget: str) -> None:
    """Anything else is bad input, with what is accepted."""
    done = run("tune", str(narrow), f"--budget={budget}")
    assert done.returncode == 2 and "such as 90s, 10m or 1h" in done.stderr


def plan_for(engine: str, gpu: str, in_flight: int) -> Plan:
    """What is recommended."""
    model = SMALL if gpu == "cpu only" else MODEL
    asked = {"model": model, "engine": engine, "concurrency": in_flight, "offline": True}
    made = recommend(profile="chat", overrides=asked, gpu=gpu).plan
    assert made is not None
    return made


@pytest.mark.parametrize(("engine", "gpu", "in_flight"), PLANS)
def test_every_trial_is_a_plan_that_could_have_been_written(
    engine: str, gpu: str, in_flight: int, tmp_path: Path
) -> None:
    """Each fits, is admitted when read back, differs in one field of the candidate, and only in settings of that."""
    start = plan_for(engine, gpu, in_flight)
    found = trials(start, Measurements())
    assert [trial.upside for trial in found] == sorted((trial.upside for trial in found), reverse=True)
    for number, trial in enumerate(found):
        was, now = start.estimate.candidate, trial.plan.estimate.candidate
        assert sum(getattr(was, name) != getattr(now, name) for name in type(was).__dataclass_fields__) == 1
        assert trial.plan.estimate.memory.fits and 1 <= len(changed(start, trial.plan)) <= 3, trial.name
        best = marked(start, trial.plan, "faster")
        write_tree(tmp_path / str(number), files_of(best), overwrite=False)
        assert plan_in(tmp_path / str(number)) == best
        told = {setting.name for setting in best.settings if setting.source == "measured-here"}
        assert told == {setting.name for setting in changed(start, trial.plan)}


@pytest.mark.parametrize(("engine", "gpu", "in_flight"), PLANS)
def test_no_change_is_no_change(engine: str, gpu: str, in_flight: int) -> None:
    """The plan with its own candidate is the plan, whatever was changed in its file by hand."""
    start = plan_for(engine, gpu, in_flight)
    again = with_candidate(start, start.estimate.candidate, Measurements())
    assert (again.settings, again.launch) == (start.settings, start.launch)


def test_what_is_offered_is_told_without_starting_anything(tmp_path: Path) -> None:
    """`--dry-run` lists the trials, most promising first; a server of somebody else's is refused."""
    plan = plan_for("vllm", "RTX 4090", 32)
    write_tree(tmp_path, files_of(plan), overwrite=False)
    done = run("tune", str(tmp_path), "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["name"] for each in json.loads(done.stdout)] == [each.name for each in trials(plan, Measurements())]
    running = replace(plan, launch=replace(plan.launch, server="running"))
    write_tree(tmp_path, files_of(running), overwrite=True)
    done = run("tune", str(tmp_path), "--dry-run", "--trust-files")
    assert done.returncode == 2 and "--own-server" in done.stderr
