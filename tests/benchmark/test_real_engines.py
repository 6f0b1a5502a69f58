"""Real engines on this processor: what two minutes with a model say about another load, of it and of another model.

Two models are measured in turn, three times. Each is predicted at a load that was not run: once by what was measured of
it, once by what was measured of the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from advisor.benchmark.here import Chosen
from advisor.benchmark.loads import SHAPES, Pace, Shape, ShapeStep
from advisor.benchmark.planned import planned
from advisor.estimate import speed_at
from advisor.folder.write import write_tree
from advisor.measured.correction import Measurements
from advisor.measured.entries import Measurement
from advisor.measured.machine import share_in_step
from advisor.measured.rates import keep_rates
from advisor.pipeline import files_of
from advisor.probe import probe
from advisor.probe.measure import measure
from advisor.refresh.vllm_running import engines_folder
from advisor.schema import Plan, Question
from advisor.smoke.job import Job, Options
from advisor.smoke.keeping import measurement
from advisor.smoke.load.stats import LoadResult
from advisor.smoke.outcome import SmokeReport
from advisor.smoke.run import Step, smoke
from advisor.smoke.runners import runner_for
from advisor.smoke.steps import loading, starting
from tests.required import absent, sourced

ENGINES = engines_folder()
MODELS = {
    "ollama": ("SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"),
    "vllm": ("smollm2-135m-instruct", "gemma-3-270m"),
}
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"  # a base model brings none
NOT_RUN = Shape("three at once", 3, 96, 0.3)
ROUNDS, BUDGET_S, CI_LIMIT = 3, 30.0, 0.20
ANY_NOISE = 1.0  # the machine of the tests is shared: what others take, they take from all runs


@pytest.fixture(autouse=True)
def own_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engines on PATH, with models and measurements in folders that go with the test."""
    if not (ENGINES / "env.sh").is_file():
        absent(f"the real engines are not in {ENGINES}: tests/engines/install.sh installs them (15 minutes, 8 GB)")
    for name, text in sourced(ENGINES / "env.sh").items():
        if name.startswith(("PATH", "HF_", "VLLM_", "OLLAMA_")):
            monkeypatch.setenv(name, text)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with TemporaryDirectory() as store:
        monkeypatch.setenv("OLLAMA_MODELS", store)
        yield


def model_at(engine: str, name: str, folder: Path) -> Path:
    """A model of the tests; vLLM answers chats only of one that has a template."""
    source = ENGINES / "models" / name
    if engine == "ollama" or (source / "chat_template.jinja").is_file():
        return source
    own = folder / name
    own.mkdir()
    for file in source.iterdir():
        (own / file.name).symlink_to(file)
    (own / "chat_template.jinja").write_text(TEMPLATE)
    return own


def loads_of(plan: Plan, shapes: tuple[Shape, ...]) -> tuple[LoadResult, ...]:
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


class Run(NamedTuple):
    """One model in one round: what the probe keeps of it, and the load that the probe does not run."""

    plan: Plan
    kept: Measurement
    not_run: LoadResult


def run(plan: Plan) -> Run:
    """The probe's loads, then another one."""
    *probe, seen = loads_of(plan, (*SHAPES, NOT_RUN))
    return Run(plan, kept_of(plan, tuple(probe)), seen)


def error_of(run: Run, known: Measurements) -> float:
    """Predicted over measured output rate, less 1."""
    plan, seen = run.plan, run.not_run
    workload = replace(
        plan.workload, input_tokens=round(seen.input_tokens), output_tokens=round(seen.output_tokens),
        concurrency=round(seen.in_flight), lengths="fixed", ttft_kind="auto",
    )  # fmt: skip
    question = Question(model=plan.model, workload=workload, hardware=plan.hardware, measurements=known)
    together = share_in_step(plan.engine, seen.in_flight, seen.completed)
    said = speed_at(plan.estimate.candidate, seen.in_flight, question, together=together)
    assert said is not None
    return said.output_tokens_per_s.expected / (seen.steady_output_tokens_per_s or seen.output_tokens_per_s) - 1


def errors(rounds: Sequence[Sequence[Run]], *, by_others: bool) -> list[float]:
    """The median error of each model at the load that was not run, by what was measured of it or of the others."""
    found = []
    for turn in zip(*rounds, strict=True):  # the rounds of one model
        known = [
            tuple(each.kept for each in one if (each.plan is not run.plan) == by_others)
            for one, run in zip(rounds, turn, strict=True)
        ]
        found.append(median(error_of(r, Measurements(entries=k)) for r, k in zip(turn, known, strict=True)))
    return found


@pytest.mark.engine
@pytest.mark.nightly
@pytest.mark.flaky(reruns=1)  # judges a measurement
@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_other_loads_and_models_are_predicted_after_the_probe(
    engine: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After the probe a load that it did not run is predicted to 20 %, and so is the other model at it."""
    hardware = probe()
    keep_rates(hardware, measure(hardware.cpu))  # as `advisor probe --measure` does
    plans = [planned(Chosen(engine=engine, model=str(model_at(engine, name, tmp_path)))) for name in MODELS[engine]]
    rounds = [[run(plan) for plan in plans] for _ in range(ROUNDS)]
    own, others = errors(rounds, by_others=False), errors(rounds, by_others=True)
    record_property("errors", {"own": own, "others": others})
    print({"own": own, "others": others})
    assert median(map(abs, own)) <= CI_LIMIT, own
    assert median(map(abs, others)) <= CI_LIMIT, others
