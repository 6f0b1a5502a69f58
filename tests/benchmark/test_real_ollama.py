"""A real Ollama on this processor: what two minutes with a model say about another load of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pytest

from advisor.benchmark.here import Chosen
from advisor.benchmark.loads import SHAPES, Pace, Shape, ShapeStep
from advisor.benchmark.planned import planned
from advisor.estimate import speed_at
from advisor.folder.write import write_tree
from advisor.measured.correction import Measurements
from advisor.measured.entries import Measurement
from advisor.measured.machine import share_in_step
from advisor.pipeline import files_of
from advisor.refresh.vllm_running import engines_folder
from advisor.schema import Plan, Question
from advisor.smoke.job import Job, Options
from advisor.smoke.keeping import measurement
from advisor.smoke.load.stats import LoadResult
from advisor.smoke.outcome import SmokeReport
from advisor.smoke.run import Step, smoke
from advisor.smoke.runners import runner_for
from advisor.smoke.steps import loading, starting

PROGRAM = engines_folder() / "ollama" / "bin" / "ollama"
MODELS = engines_folder() / "models"
SMALL = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
NOT_RUN = Shape("three at once", 3, 96, 0.3)
ROUNDS, BUDGET_S, CI_LIMIT = 3, 30.0, 0.20
ANY_NOISE = 1.0  # the machine of the tests is shared: what others take, they take from all runs


@pytest.fixture(autouse=True)
def own_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ollama on PATH, with models and measurements in folders that go with the test."""
    monkeypatch.setenv("PATH", f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with TemporaryDirectory() as store:
        monkeypatch.setenv("OLLAMA_MODELS", store)
        yield


def run_of(plan: Plan, shapes: tuple[Shape, ...]) -> tuple[LoadResult, ...]:
    """Start the engine, run those loads, stop it."""
    pace = Pace()

    async def stop(job: Job) -> str:
        job.runner.stop()
        job.stopped = True
        return "stopped"

    def steps(_: Job) -> tuple[Step, ...]:
        return (
            Step("start", starting.start, needed=True),
            Step("healthy", starting.healthy, needed=True),
            Step("warm up", pace.learn, needed=True),
            *(Step(shape.name, ShapeStep(shape, BUDGET_S, pace)) for shape in shapes),
            Step("stop", stop),
            Step("clean", loading.clean),
        )

    with TemporaryDirectory() as folder:
        write_tree(Path(folder), files_of(plan), overwrite=True)
        runner = runner_for("native", plan, Path(folder))
        report: SmokeReport = smoke(plan, Path(folder), runner, Options(trust_files=True), steps=steps)
    assert report.passed, [step for step in report.steps if step.result == "fail"]
    return report.loads


def kept_of(plan: Plan, loads: tuple[LoadResult, ...]) -> Measurement:
    """What the probe would keep of them."""
    report = SmokeReport(
        plan=plan.name, engine=plan.engine, engine_version=plan.engine_version, planned_version=plan.engine_version,
        model=plan.model.hf_id, runner="native", began="2026-11-28T19:00:00Z", seconds=1, steps=(), loads=loads,
    )  # fmt: skip
    found = measurement(plan, report, quiet=ANY_NOISE)
    assert found is not None
    return found


def error_of(plan: Plan, seen: LoadResult, known: Measurements) -> float:
    """Predicted over measured output rate, less 1."""
    workload = replace(
        plan.workload, input_tokens=round(seen.input_tokens), output_tokens=round(seen.output_tokens),
        concurrency=round(seen.in_flight), lengths="fixed", ttft_kind="auto",
    )  # fmt: skip
    question = Question(model=plan.model, workload=workload, hardware=plan.hardware, measurements=known)
    together = share_in_step(plan.engine, seen.in_flight, seen.completed)
    said = speed_at(plan.estimate.candidate, seen.in_flight, question, together=together)
    assert said is not None and said.output_tokens_per_s.basis in ("measured", "measured here")
    return said.output_tokens_per_s.expected / (seen.steady_output_tokens_per_s or seen.output_tokens_per_s) - 1


@pytest.mark.engine
@pytest.mark.nightly
@pytest.mark.skipif(not PROGRAM.is_file(), reason="tests/engines/install.sh installs Ollama")
def test_another_load_is_predicted_after_the_probe(record_property: Callable[[str, object], None]) -> None:
    """A load that the probe does not run is predicted to 20 % after it, in the median of three interleaved runs."""
    plan = planned(Chosen(engine="ollama", model=str(SMALL)))
    errors = []
    for _ in range(ROUNDS):
        *probe, seen = run_of(plan, (*SHAPES, NOT_RUN))
        errors.append(error_of(plan, seen, Measurements(entries=(kept_of(plan, tuple(probe)),))))
    record_property("errors", errors)
    assert abs(median(errors)) <= CI_LIMIT, errors
