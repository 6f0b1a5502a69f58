"""What a short benchmark of one model says about other models and loads, on an engine whose truth is known."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from advisor.benchmark.here import Chosen
from advisor.benchmark.planned import planned
from advisor.engines.llamacpp.speed import FIT
from advisor.engines.ollama.speed import server
from advisor.engines.ollama.speed import setup as setup_of_ollama
from advisor.engines.vllm.speed import FIT as VLLM_FIT
from advisor.engines.vllm.speed import setup as setup_of_vllm
from advisor.estimate import speed_at
from advisor.measured.correction import Measurements
from advisor.measured.entries import Measurement
from advisor.measured.machine import share_in_step, tuned_for
from advisor.measured.store import folder, keep, kept_here
from advisor.physics.speed.setup import discipline, fitted
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.pipeline import files_of
from advisor.schema import Candidate, Plan, Question, Speed
from advisor.smoke.keeping import measurement
from advisor.smoke.load.generator import Run
from advisor.smoke.outcome import SmokeReport, StepResult
from tests.benchmark.scripted import Scripted, benchmarked, driven

HARDWARE = Path(__file__).parents[1] / "hardware"
SMALL, MIDDLE, LARGE = (f"Qwen/Qwen2.5-{size}-Instruct" for size in ("0.5B", "1.5B", "3B"))
MACHINES = [("ollama", "cpu-2-cores"), ("ollama", "rtx-4090"), ("vllm", "rtx-4090"), ("vllm", "l4")]
CANDIDATE = {field.name for field in fields(Candidate)}
TRUTHS = [
    Tuning(reading=1.5, multiplying=1.4, prefill=0.8, overhead=1.3, request=2.0),
    Tuning(reading=0.85, multiplying=2.0, prefill=1.6, overhead=0.7, request=0.6),
]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements of each test in a folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def plan_for(engine: str, machine: str, model: str = SMALL) -> Plan:
    """How the advisor would run a model there, with nothing measured."""
    return planned(Chosen(engine=engine, model=model), HARDWARE / f"{machine}.json")


@pytest.mark.parametrize("machine", ["a100-80gb-x4", "cpu-2-cores"])
@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_the_program_that_was_found_is_measured(engine: str, machine: str) -> None:
    """With Docker beside it or without, the benchmark starts the installed engine, not an image of it."""
    plan = plan_for(engine, machine)
    assert "run.sh" in {file.path for file in files_of(plan)}
    assert "compose" not in plan.parts


def engine_of(plan: Plan, truth: Tuning) -> Scripted:
    """The engine of a plan on a machine that differs from the constants by `truth`."""
    candidate = plan.estimate.candidate
    if plan.engine == "ollama":
        own_s = server(fitted(FIT)).request_s
        setup, rule = setup_of_ollama, partial(discipline, fitted(FIT), own_request_s=own_s)
    else:
        setup, rule = setup_of_vllm, partial(discipline, fitted(VLLM_FIT))
    ready = setup(candidate, plan.hardware, plan.model)
    assert ready is not None
    return Scripted(truth.step(ready.step), truth.rule(rule(candidate.max_in_flight, candidate.max_batched_tokens)))


def probed(plan: Plan, truth: Tuning, monkeypatch: pytest.MonkeyPatch) -> Measurement:
    """What the short benchmark leaves behind there."""
    loads = benchmarked(plan, engine_of(plan, truth), monkeypatch)
    report = SmokeReport(
        plan=plan.name, engine=plan.engine, engine_version="1.0", planned_version="1.0", model=plan.model.hf_id,
        runner="native", began="2026-11-28T19:00:00Z", seconds=1, loads=loads,
        steps=(StepResult(name="clean", result="pass", seconds=0, detail=""),),
    )  # fmt: skip
    found = measurement(plan, report)
    assert found is not None and len(found.loads) == len(loads)
    return found


def predicted(plan: Plan, run: Run, known: Measurements) -> Speed:
    """What is predicted of a load test."""
    assert run.in_flight is not None
    workload = replace(
        plan.workload, input_tokens=run.input_tokens, output_tokens=run.output_tokens, history_tokens=0,
        concurrency=run.in_flight, ttft_kind="auto", lengths="fixed", shared_prefix_tokens=0,
    )  # fmt: skip
    question = Question(model=plan.model, workload=workload, hardware=plan.hardware, measurements=known)
    together = share_in_step(plan.engine, run.in_flight, run.requests)
    speed = speed_at(plan.estimate.candidate, run.in_flight, question, together=together)
    assert speed is not None
    return speed


def check(plan: Plan, run: Run, truth: Tuning, known: Measurements, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prediction and truth of one load differ by 8 % at most, and the range holds the truth."""
    seen = driven(plan, engine_of(plan, truth), monkeypatch, run)
    said = predicted(plan, run, known)
    assert seen.tpot_s is not None
    assert said.output_tokens_per_s.expected == pytest.approx(seen.output_tokens_per_s, rel=0.08)
    assert said.output_tokens_per_s.basis == "measured here"
    assert said.output_tokens_per_s.low <= seen.output_tokens_per_s <= said.output_tokens_per_s.high
    if run.in_flight == 1:
        assert said.tpot_s.expected == pytest.approx(seen.tpot_s.mean, rel=0.08)


def load(in_flight: int, input_tokens: int, output_tokens: int) -> Run:
    """A load that the benchmark does not run."""
    return Run(
        requests=4 * in_flight, in_flight=in_flight, input_tokens=input_tokens, output_tokens=output_tokens,
        seconds=1e9,
    )  # fmt: skip


LOADS = [load(1, 200, 100), load(3, 300, 80)]


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize(("engine", "machine"), MACHINES)
def test_another_model_and_load_are_predicted(
    engine: str, machine: str, truth: Tuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the benchmark of two sizes, a model of another size under loads that were not run is predicted to 8 %."""
    known = Measurements(
        entries=tuple(probed(plan_for(engine, machine, name), truth, monkeypatch) for name in (SMALL, MIDDLE))
    )
    other = plan_for(engine, machine, LARGE)
    for run in LOADS:
        check(other, run, truth, known, monkeypatch)


@pytest.mark.parametrize("truth", TRUTHS)
def test_one_model_proves_nothing_about_others(truth: Tuning, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the benchmark of one model another is predicted as if nothing were known: on real engines it misled."""
    known = Measurements(entries=(probed(plan_for("ollama", "cpu-2-cores"), truth, monkeypatch),))
    other = plan_for("ollama", "cpu-2-cores", LARGE)
    for run in LOADS:
        assert predicted(other, run, known) == predicted(other, run, Measurements())


def test_the_range_grows_with_the_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model much larger, a load much higher and another format than those that were measured have wider ranges."""
    known = Measurements(
        entries=tuple(probed(plan_for("vllm", "rtx-4090", name), TRUTHS[0], monkeypatch) for name in (SMALL, MIDDLE))
    )

    def width(plan: Plan, in_flight: int) -> float:
        figure = predicted(plan, load(in_flight, 200, 100), known).output_tokens_per_s
        return figure.high / figure.low

    far = plan_for("vllm", "rtx-4090", LARGE)
    assert width(far, 2) < width(far, 64)
    assert predicted(far, load(2, 200, 100), known).output_tokens_per_s.basis == "measured here"
    form = replace(far.estimate.candidate, weights_format="awq-int4")
    assert width(far, 2) < width(replace(far, estimate=replace(far.estimate, candidate=form)), 2)


def test_nothing_measured_is_the_model_itself() -> None:
    """Factors of 1 change no step, no rule and no device."""
    plan = plan_for("vllm", "rtx-4090")
    ready = setup_of_vllm(plan.estimate.candidate, plan.hardware, plan.model)
    assert ready is not None and ready.tuned(AS_FITTED) is ready
    assert AS_FITTED.step(ready.step) == ready.step
    assert AS_FITTED.device(ready.prepared.device) == ready.prepared.device


ODD: list[dict[str, Any]] = [
    {"engine": "gone"},
    {"weights_format": "no-such"},
    {"max_in_flight": 0},
    {"gpu_indices": (7,)},
    {"context_tokens": -1},
    {"replicas": 0},
    {"tensor_parallel": 0},
    {"parameters": 0},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: next(iter(odd)))
def test_an_odd_entry_never_ends_advice(odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of another day, or changed by hand, says nothing; the others count as before."""
    plan = plan_for("vllm", "rtx-4090")
    good = probed(plan, TRUTHS[0], monkeypatch)
    candidate = replace(good.candidate, **{key: what for key, what in odd.items() if key in CANDIDATE})
    model = replace(good.model, parameters=odd.get("parameters", good.model.parameters))
    bad = replace(good, id="odd", candidate=candidate, model=model, engine=odd.get("engine", good.engine))
    for known in (Measurements(entries=(good, bad)), Measurements(entries=(bad,))):
        for asked in (plan, plan_for("vllm", "rtx-4090", LARGE)):
            said = predicted(asked, LOADS[0], known).output_tokens_per_s
            assert 0 < said.low <= said.expected <= said.high < float("inf")


def test_one_load_that_contradicts_all_others_counts_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that went twenty times too slowly moves the fit of the others little, and makes the range wider."""
    plan = plan_for("ollama", "cpu-2-cores")
    good = probed(plan, TRUTHS[0], monkeypatch)
    slow = replace(good.loads[0], output_tokens_per_s=good.loads[0].output_tokens_per_s / 20, tpot_s=1.0)
    spoilt = replace(good, loads=(slow, *good.loads[1:]))
    candidate = plan.estimate.candidate
    fits = [tuned_for((entry,), plan.hardware, candidate) for entry in (good, spoilt)]
    assert fits[0] is not None and fits[1] is not None
    assert fits[1].tuning.reading == pytest.approx(fits[0].tuning.reading, rel=0.2)
    assert fits[1].error > fits[0].error


def test_what_is_kept_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the store and back the prediction is the same; a file that was cut is passed over."""
    plan, other = plan_for("ollama", "cpu-2-cores"), plan_for("ollama", "cpu-2-cores", LARGE)
    found = probed(plan, TRUTHS[0], monkeypatch)
    path = keep(found)
    (folder() / "cut.json").write_text(path.read_text()[:300])
    again, once = (predicted(other, LOADS[0], known) for known in (kept_here(), Measurements(entries=(found,))))
    assert again.tpot_s.expected == pytest.approx(once.tpot_s.expected)
