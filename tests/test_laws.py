"""What holds for every question, whatever the card, the model and the load."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.catalog import gpus, models
from advisor.decide import vetoed
from advisor.engines import ENGINES
from advisor.measured.correction import Measurements
from advisor.models.names import find_model
from advisor.probe.simulate import simulate
from advisor.schema import Hardware, Judged, Question, Verdict
from advisor.search.nearest import nearest_yes
from advisor.verdict import verdict_for
from advisor.workload import load_workload

ALONE = ("unified", "apple")  # device classes of which a machine holds one
KNOWN = [spec.id for spec in gpus() if spec.memory_bytes and spec.device_class not in ALONE]
CARDS = tuple(f"{count}x {name}" for name in KNOWN for count in (1, 2, 4))
MODELS = tuple(spec.hf_id for spec in models())
SEVEN = "Qwen/Qwen2.5-7B-Instruct"


def ask(machine: Hardware, model: str, **options: Any) -> Question:
    """A question about a chat, with the profile's targets."""
    workload = load_workload("chat", {"model": model, **options})
    return Question(
        model=find_model(model, offline=True), workload=workload, hardware=machine, measurements=Measurements()
    )  # fmt: skip


def has_figures(judged: Judged | None, question: Question) -> bool:
    """Whether everything that was asked for is predicted, and of something that fits."""
    asked = question.workload
    targets = [asked.ttft_ms, asked.tpot_ms, asked.request_rate]
    if judged is None or not judged.estimate.memory.fits:
        return False
    return judged.estimate.peak_speed is not None or not any(targets)


loads = st.one_of(
    st.builds(lambda number: {"users": number}, st.integers(1, 5000)),
    st.builds(lambda number: {"concurrency": number}, st.integers(1, 5000)),
    st.builds(lambda number: {"request_rate": number}, st.floats(0.01, 200)),
)


@settings(max_examples=150)
@given(
    card=st.integers(0, len(CARDS) - 1),
    model=st.integers(0, len(MODELS) - 1),
    load=loads,
    engine=st.sampled_from(("auto", *ENGINES)),
)
def test_yes_has_figures(card: int, model: int, load: dict[str, Any], engine: str) -> None:
    """A yes is about something that fits and has a figure for every target; so is whatever no rule refuses."""
    question = ask(simulate(CARDS[card]), MODELS[model], engine=engine, **load)
    verdict = verdict_for(question, depth=False)
    assert not verdict.meets_targets or has_figures(verdict.winner, question)
    for judged in filter(None, (verdict.winner, *verdict.losers)):
        assert vetoed(judged) or judged.estimate.memory.fits
        known = all(used.bandwidth_bytes_per_s for used in question.hardware.accelerators)
        assert not (known and judged.estimate.memory.fits) or judged.estimate.speed is not None


def crowd(users: int, **options: Any) -> Verdict:
    """A 7B for so many people on a card of 12 GB."""
    return verdict_for(ask(simulate("RTX 3060 12GB"), SEVEN, users=users, **options), depth=False)


def test_twenty_times_the_people_are_no_yes() -> None:
    """What 500 people get too slowly, 2,000 do not get either: slots shrink until they fit, and the speed is told."""
    for users in (500, 2000):
        verdict = crowd(users)
        assert not verdict.meets_targets and verdict.winner is not None
        assert verdict.winner.estimate.candidate.max_in_flight > 1
        assert verdict.winner.estimate.peak_speed is not None
        assert "time per output token" in verdict.summary


def test_what_is_not_predicted_meets_no_target() -> None:
    """A card of unknown bandwidth: no to a target, with the reason; yes where nothing was asked of its speed."""
    machine = simulate("RTX 4090")
    unknown = replace(machine.accelerators[0], bandwidth_bytes_per_s=None, catalog_id=None, dense_flops={})
    question = ask(replace(machine, accelerators=(unknown,)), SEVEN)
    verdict = verdict_for(question)
    assert not verdict.meets_targets and "no figure for NVIDIA GeForce RTX 4090" in verdict.summary
    assert "no latency targets" in [change.change for change in nearest_yes(question)]
    rate = replace(question, workload=replace(question.workload, ttft_ms=None, tpot_ms=None, request_rate=1.0))
    assert not verdict_for(rate).meets_targets
    patient = replace(question, workload=replace(question.workload, ttft_ms=None, tpot_ms=None))
    assert verdict_for(patient).meets_targets


def test_what_is_predicted_comes_first() -> None:
    """Of two cards, one of unknown speed, the known one is planned, also where nobody waits."""
    machine = simulate("RTX 4090")
    card = machine.accelerators[0]
    unknown = replace(
        card, index=1, name="NVIDIA Unknown", bandwidth_bytes_per_s=None, catalog_id=None, dense_flops={},
        memory_bytes=4 * card.memory_bytes,
    )  # fmt: skip
    question = ask(replace(machine, accelerators=(card, unknown)), SEVEN, engine="vllm")
    patient = replace(question.workload, ttft_ms=None, tpot_ms=None)
    for workload in (question.workload, patient):
        winner = verdict_for(replace(question, workload=workload)).winner
        assert winner is not None and winner.estimate.peak_speed is not None
        assert winner.estimate.candidate.gpu_indices == (0,)
