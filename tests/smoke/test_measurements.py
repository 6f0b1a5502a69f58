"""What was measured is kept per machine, and changes what is predicted next."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.engines import ENGINES
from advisor.errors import BadInput
from advisor.measured.correction import Correction, Measurements, correction
from advisor.measured.entries import Measurement, machine_key, machine_text
from advisor.measured.store import forget, keep, kept_here, measurements_from
from advisor.pipeline import Answer, recommend
from advisor.schema import Candidate, Hardware, Load, ModelSpec, Plan, Speed
from advisor.smoke.keeping import measurement
from advisor.smoke.load.stats import LoadResult, Spread
from advisor.smoke.outcome import SmokeReport, StepResult
from advisor.wire import to_json
from tests.engines.engine_cases import MACHINES, first_plan

RECORDED = Path(__file__).parents[1] / "hardware" / "rtx-4090.json"


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Measurements of each test in a folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "advisor" / "measurements"


def plan_here() -> Plan:
    """A plan for a recorded machine (a simulated one has no measurements)."""
    plan = first_plan("vllm", "rtx-4090")
    return replace(plan, hardware=here(), workload=replace(plan.workload, shared_prefix_tokens=0))


def here() -> Hardware:
    """The machine in question."""
    return replace(MACHINES["rtx-4090"], source="file")


def predicted(plan: Plan, in_flight: float, tokens: tuple[int, int] = (200, 100)) -> Speed:
    """The bare model's prediction."""
    candidate = plan.estimate.candidate
    load = Load(in_flight=in_flight, input_tokens=tokens[0], output_tokens=tokens[1], together=1.0)
    memory = ENGINES[plan.engine].memory(candidate, plan.hardware, plan.model)
    speed = ENGINES[plan.engine].speed(candidate, memory, plan.hardware, plan.model, load)
    assert speed is not None
    return speed


def result(plan: Plan, in_flight: int, factor: float, **other: object) -> LoadResult:
    """A measured load that took `factor` times as long as predicted."""
    speed = predicted(plan, in_flight)

    def spread(mean: float, p95: float) -> Spread:
        return Spread(mean=mean * factor, p50=mean * factor, p95=p95 * factor, p99=p95 * factor)

    known: dict[str, object] = {
        "mode": "closed", "in_flight": in_flight, "request_rate": None, "requests": 24, "completed": 24,
        "seconds": 30.0, "input_tokens": 200, "output_tokens": 100,
        "output_tokens_per_s": speed.output_tokens_per_s.expected / factor, "steady_output_tokens_per_s": None,
        "requests_per_s": 1.0, "ttft_s": spread(speed.ttft_s.expected, speed.ttft_p95_s.expected),
        "tpot_s": spread(speed.tpot_s.expected, speed.tpot_p95_s.expected), "itl_s": None, "e2e_s": None,
        "goodput_requests_per_s": 1.0, "good_share": 1.0,
    }  # fmt: skip
    return LoadResult(**{**known, **other})  # type: ignore[arg-type]


def report(plan: Plan, *loads: LoadResult) -> SmokeReport:
    """A smoke test with these loads."""
    return SmokeReport(
        plan=plan.name, engine=plan.engine, engine_version="0.33.0", planned_version="0.33.0", model=plan.model.hf_id,
        runner="native", began="2026-11-22T20:00:00Z", seconds=1, loads=loads,
        steps=(StepResult(name="clean", result="pass", seconds=0, detail=""),),
    )  # fmt: skip


def kept(plan: Plan, *loads: LoadResult) -> Path:
    """The file in which a smoke test with these loads was kept."""
    found = measurement(plan, report(plan, *loads))
    assert found is not None
    return keep(found)


def entries() -> tuple[Measurement, ...]:
    """What is kept."""
    return kept_here().entries


def factors(hardware: Hardware, candidate: Candidate, model: ModelSpec, load: Load) -> Correction | None:
    """What is kept says this about the load."""
    return correction(kept_here().of(hardware), hardware, candidate, model, load)


def ask(plan: Plan, in_flight: float, tokens: tuple[int, int] = (200, 100), **other: object) -> Speed:
    """The prediction with what was measured."""
    load = Load(in_flight=in_flight, input_tokens=tokens[0], output_tokens=tokens[1], together=1.0)
    candidate = replace(plan.estimate.candidate, **other)  # type: ignore[arg-type]
    return kept_here().corrected(predicted(plan, in_flight, tokens), plan.hardware, candidate, plan.model, load)


def test_nothing_measured_changes_nothing() -> None:
    """Without measurements a prediction is the model's own, and nothing is written."""
    plan = plan_here()
    assert ask(plan, 8) == predicted(plan, 8)
    assert entries() == ()


def test_what_was_measured_is_predicted() -> None:
    """The very load that was measured is predicted as it was measured, with basis "measured" and a narrow range."""
    plan = plan_here()
    kept(plan, result(plan, 8, 1.4))
    now, was = ask(plan, 8), predicted(plan, 8)
    assert now.output_tokens_per_s.expected == pytest.approx(was.output_tokens_per_s.expected / 1.4)
    assert now.tpot_s.expected == pytest.approx(was.tpot_s.expected * 1.4)
    assert now.output_tokens_per_s.basis == "measured"
    assert now.ttft_s.high / now.ttft_s.low < 1.25


def test_another_load_is_corrected_with_a_wider_range() -> None:
    """Between two measured loads the ratio lies between theirs; beyond them the range is wider still."""
    plan = plan_here()
    kept(plan, result(plan, 1, 1.2), result(plan, 16, 2.0))
    between, beyond = ask(plan, 4), ask(plan, 64)
    ratio = between.tpot_s.expected / predicted(plan, 4).tpot_s.expected
    assert 1.2 < ratio < 2.0
    assert between.tpot_s.basis == "measured here"
    assert between.tpot_s.high / between.tpot_s.low < beyond.tpot_s.high / beyond.tpot_s.low


def test_other_token_counts_stay_consistent() -> None:
    """For other token counts the rate follows from the corrected TTFT and TPOT (Little's law), but for the little that
    the steps of prompts write for others meanwhile."""
    plan = plan_here()
    kept(plan, result(plan, 8, 1.5))
    now, was = ask(plan, 8, (800, 50)), predicted(plan, 8, (800, 50))
    latency = now.ttft_s.expected + 49 * now.tpot_s.expected
    assert now.output_tokens_per_s.expected == pytest.approx(8 * 50 / latency, rel=0.03)
    assert now.output_tokens_per_s.expected == pytest.approx(was.output_tokens_per_s.expected / 1.5, rel=0.05)


def test_other_settings_widen_the_range_and_other_models_learn_nothing() -> None:
    """Other slots: wider than another load; another model or format: as if nothing had been measured, by one model."""
    plan = plan_here()
    kept(plan, result(plan, 8, 1.3))
    same, slots = ask(plan, 12), ask(plan, 12, max_in_flight=999)
    assert same.tpot_s.high / same.tpot_s.low < slots.tpot_s.high / slots.tpot_s.low
    other = replace(plan, model=replace(plan.model, hf_id="other/model", parameters=2 * plan.model.parameters))
    assert ask(other, 12) == predicted(other, 12)


def test_another_machine_is_not_corrected() -> None:
    """Other cards, another processor, or a machine that is only simulated: nothing of it was measured."""
    plan = plan_here()
    kept(plan, result(plan, 8, 1.3))
    load = Load(in_flight=8, input_tokens=200, output_tokens=100)
    for other in (
        MACHINES["rtx-4090"],
        replace(MACHINES["rtx-4090-x2"], source="file"),
        replace(here(), cpu=replace(here().cpu, model="another")),
    ):
        assert factors(other, plan.estimate.candidate, plan.model, load) is None


def test_a_second_run_replaces_the_same_load_and_adds_others() -> None:
    """The same load is replaced, another one is added, in one file."""
    plan = plan_here()
    kept(plan, result(plan, 8, 1.3))
    kept(plan, result(plan, 8, 1.6), result(plan, 2, 1.1))
    (entry,) = entries()
    assert [load.in_flight for load in entry.loads] == [2, 8]
    assert ask(plan, 8).tpot_s.expected == pytest.approx(predicted(plan, 8).tpot_s.expected * 1.6)


def test_a_load_that_is_run_twice_is_kept_once() -> None:
    """Of two runs of one load the later one stays, also where its answers ended earlier."""
    plan = plan_here()
    early = replace(result(plan, 8, 1.2), output_tokens=0.7 * result(plan, 8, 1.2).output_tokens)
    kept(plan, result(plan, 8, 1.3), early)
    (entry,) = entries()
    assert [load.output_tokens for load in entry.loads] == [early.output_tokens]


def test_loads_with_errors_are_not_kept() -> None:
    """A load with errors, or of too few requests, is no measurement."""
    plan = plan_here()
    bad = result(plan, 8, 1.3, errors={"timeout": 1})
    few = result(plan, 4, 1.3, completed=2)
    assert measurement(plan, report(plan, bad, few)) is None
    assert entries() == ()


def test_a_broken_file_is_passed_over(own_data: Path) -> None:
    """A file that was cut or changed by hand does not break the advice."""
    plan = plan_here()
    path = kept(plan, result(plan, 8, 1.3))
    (own_data / "cut.json").write_text(path.read_text()[:200])
    (own_data / "odd.json").write_text(json.dumps({"id": "odd"}))
    assert len(entries()) == 1


def test_forgetting_brings_the_estimate_back() -> None:
    """After `forget` the prediction is the model's own again; a word that fits nothing is bad input."""
    plan = plan_here()
    kept(plan, result(plan, 8, 1.3))
    with pytest.raises(BadInput, match="begins with"):
        forget(("zzz",))
    assert len(forget((machine_key(plan.hardware)[:6],))) == 1
    assert ask(plan, 8) == predicted(plan, 8)


def test_a_machine_has_no_name_in_the_file() -> None:
    """The file names processor, memory and cards, and no path, host or user."""
    plan = plan_here()
    plan = replace(plan, model=replace(plan.model, path="/home/somebody/model"))
    path = kept(plan, result(plan, 8, 1.3))
    text = path.read_text()
    assert machine_text(plan.hardware) in text and "somebody" not in text


def advice(which: str | None) -> Answer:
    """What is recommended for the machine in question with a store."""
    overrides = {"model": "Qwen/Qwen2.5-7B-Instruct", "engine": "vllm", "concurrency": 8, "offline": True}
    return recommend(profile="chat", overrides=overrides, hardware_file=RECORDED, measurements=which)


def basis(answer: Answer) -> str:
    """Of the winner's output rate."""
    assert answer.verdict.winner is not None and answer.verdict.winner.estimate.speed is not None
    return answer.verdict.winner.estimate.speed.output_tokens_per_s.basis


def test_a_store_is_handed_in(tmp_path: Path, own_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--measurements` two machines give one plan for one hardware file, whatever lies in their own stores."""
    plan = advice("none").plan
    assert plan is not None and basis(advice("none")) != "measured"
    kept(plan, result(plan, 8, 0.9, input_tokens=plan.workload.input_tokens, output_tokens=plan.workload.output_tokens))
    here = advice(None)
    assert basis(here) == "measured" and basis(advice("none")) != "measured"
    listed = tmp_path / "measured.json"
    listed.write_text(to_json(list(entries())))
    (own_data / "copy").mkdir()
    for path in own_data.glob("*.json"):
        path.rename(own_data / "copy" / path.name)
    assert basis(advice(None)) != "measured"
    (file,) = (own_data / "copy").glob("*.json")
    for which in (listed, file, own_data / "copy"):
        assert advice(str(which)) == here


@pytest.mark.parametrize(
    ("text", "saw"),
    [
        (None, "there is no such file"),
        ("[{", "is not JSON"),
        ("3", "saw 3"),
        ('{"source": "probed", "os": "linux"}', 'saw {"source": "probed"'),
        ('[{"id": 7, "loads": []}]', "saw 7"),
        ('{"id": "x", "loads": []}', "model: is missing"),
    ],
)
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, text: str | None, saw: str) -> None:
    """A file that holds no measurements is bad input: file, what was seen, and what is accepted."""
    path = tmp_path / "hardware.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput) as refused:
        measurements_from(str(path))
    assert all(words in str(refused.value) for words in (f"--measurements {path}", saw, "accepted", "'none'"))


def test_a_folder_without_measurements_is_refused(tmp_path: Path) -> None:
    """A folder that was named and holds none is a mistake; an empty list is an answer."""
    with pytest.raises(BadInput, match="without a measurement"):
        measurements_from(str(tmp_path))
    (tmp_path / "none.json").write_text("[]")
    assert measurements_from(str(tmp_path)) == Measurements()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(in_flight=st.floats(1, 200), tokens=st.tuples(st.integers(16, 3000), st.integers(2, 800)))
def test_a_corrected_prediction_is_a_prediction(in_flight: float, tokens: tuple[int, int]) -> None:
    """For any load every corrected figure is positive, finite, and inside its own range."""
    plan = plan_here()
    kept(plan, result(plan, 1, 0.7), result(plan, 16, 1.9))
    speed = ask(plan, in_flight, tokens)
    for figure in (speed.output_tokens_per_s, speed.ttft_s, speed.ttft_p95_s, speed.tpot_s, speed.tpot_p95_s):
        assert 0 < figure.low <= figure.expected <= figure.high < float("inf")
