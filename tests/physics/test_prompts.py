"""History in the prompt: who finds it in the cache, and what that makes of the first token."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.engines import ENGINES
from advisor.models.names import find_model
from advisor.physics.speed.prompts import kept_share
from advisor.probe.simulate import simulate
from advisor.propose import propose
from advisor.schema import Candidate, Load, Speed
from advisor.workload import load_workload

MODELS = [
    find_model(name, offline=True)
    for name in ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B", "google/gemma-3-4b-it", "Qwen/Qwen3.5-9B")
]
MACHINES = [simulate(text) for text in ("RTX 4090", "RTX 3060 12GB", "M4 Max 64GB", "2x RTX 4090", "H100")]
ENGINE_NAMES = sorted(ENGINES)
loads = st.builds(
    Load,
    in_flight=st.floats(1, 64),
    input_tokens=st.integers(64, 6000),
    output_tokens=st.integers(16, 800),
    conversations=st.floats(0, 400),
)


def first_of(engine: str, machine: int, model: int) -> Candidate | None:
    """An engine's first way to run that model there."""
    asked = load_workload("chat", {"engine": engine})
    return next(iter(propose(MACHINES[machine], asked, MODELS[model])), None)


CASES = [
    (candidate, MACHINES[machine], MODELS[model])
    for engine in ENGINE_NAMES
    for machine in range(len(MACHINES))
    for model in range(len(MODELS))
    if (candidate := first_of(engine, machine, model)) is not None
]


def speed(case: int, load: Load) -> Speed:
    """The steady state of one of the cases, with slots for the load."""
    candidate, hardware, model = CASES[case % len(CASES)]
    engine = ENGINES[candidate.engine]
    sized = engine.resize(candidate, load.in_flight, hardware, model)
    found = engine.speed(sized, engine.memory(sized, hardware, model), hardware, model, load)
    assert found is not None and found.ttft_warm_s is not None and found.ttft_cold_s is not None
    return found


def expected(found: Speed, name: str) -> float:
    """The expected value of one of its figures."""
    return float(getattr(found, name).expected)


cases = st.integers(0, len(CASES) - 1)


@given(case=cases, load=loads)
def test_without_history_both_kinds_are_the_mean(case: int, load: Load) -> None:
    """History 0 changes nothing: warm, cold and mean are one figure, and every conversation counts as kept."""
    found = speed(case, load)
    assert found.ttft_warm_s == found.ttft_s == found.ttft_cold_s
    assert found.ttft_cold_p95_s == found.ttft_p95_s
    assert found.kept_share == 1.0


@given(case=cases, load=loads, share=st.floats(0, 1), more=st.floats(0, 1))
def test_more_history_is_never_slower(case: int, load: Load, share: float, more: float) -> None:
    """The more of a prompt lies in the cache, the sooner a warm first token comes, and the more output there is."""
    few, many = share * load.input_tokens, (share + (1 - share) * more) * load.input_tokens
    less = speed(case, replace(load, history_tokens=few))
    much = speed(case, replace(load, history_tokens=many))
    assert expected(much, "ttft_warm_s") <= expected(less, "ttft_warm_s") * 1.001
    assert expected(much, "output_tokens_per_s") >= expected(less, "output_tokens_per_s") * 0.999


@given(case=cases, load=loads, share=st.floats(0, 1))
def test_warm_is_never_after_cold(case: int, load: Load, share: float) -> None:
    """Warm comes no later than the mean request, and that no later than a cold one; the judged p95 lies in between."""
    found = speed(case, replace(load, history_tokens=share * load.input_tokens))
    assert expected(found, "ttft_warm_s") <= expected(found, "ttft_s") * (1 + 1e-9)
    assert expected(found, "ttft_s") <= expected(found, "ttft_cold_s") * (1 + 1e-9)
    assert (
        expected(found, "ttft_warm_s")
        <= expected(found, "ttft_p95_s")
        <= expected(found, "ttft_cold_p95_s") * (1 + 1e-9)
    )


@given(case=cases, load=loads, further=st.floats(0, 4000))
def test_more_conversations_are_never_kept_better(case: int, load: Load, further: float) -> None:
    """The share that the cache still holds lies within 0 and 1, and falls as more people come back."""
    asked = replace(load, history_tokens=0.9 * load.input_tokens)
    few = speed(case, asked)
    many = speed(case, replace(asked, conversations=load.conversations + further))
    assert 0.0 <= many.kept_share <= few.kept_share <= 1.0


@pytest.mark.parametrize(("room", "conversations", "replicas", "kept"), [
    (10, 4, 1, 1.0), (10, 24, 1, 0.5), (0, 24, 1, 0.0), (-3, 24, 1, 0.0), (10, 24, 2, 0.25), (0, 3, 1, 1.0),
])  # fmt: skip
def test_the_share_is_what_fits_of_the_idle(room: float, conversations: float, replicas: int, kept: float) -> None:
    """Of 20 people who think, a cache with room for 10 conversations keeps half; a second replica halves that."""
    load = Load(in_flight=4, input_tokens=1000, output_tokens=300, history_tokens=800, conversations=conversations)
    assert kept_share(room, load, replicas, load.in_flight) == kept


def test_the_cache_holds_the_whole_prompt() -> None:
    """History saves arithmetic and no memory: as many requests run at once with it as without."""
    load = Load(in_flight=2000, input_tokens=4000, output_tokens=300)
    candidate, hardware, model = next(case for case in CASES if case[0].engine == "vllm")
    engine = ENGINES["vllm"]
    sized = engine.resize(candidate, 1000, hardware, model)
    memory = engine.memory(sized, hardware, model)
    plain, warm = (
        engine.speed(sized, memory, hardware, model, replace(load, history_tokens=tokens)) for tokens in (0, 3900)
    )
    assert plain is not None and warm is not None
    assert warm.queued == pytest.approx(plain.queued, rel=0.05)


def test_cached_prompts_are_as_much_sooner_as_measured() -> None:
    """An R9700 with vLLM read 8,192 tokens in 2.78 s, in 1.76 s with half of them cached, in 0.91 s with three quarters.

    Qwen3.8-27B, MXFP4, one request, vLLM 0.27.1 (public sweep of 2026-10); compared are the parts of the whole.
    """
    hardware, model = simulate("Radeon AI PRO R9700"), find_model("Qwen/Qwen3.8-27B", offline=True)
    asked = load_workload("chat", {"engine": "vllm", "context_tokens": 16384, "quantization": "fp8"})
    candidate = next(iter(propose(hardware, asked, model)))
    engine = ENGINES["vllm"]
    memory = engine.memory(candidate, hardware, model)
    seconds = []
    for share in (0.0, 0.5, 0.75):
        load = Load(in_flight=1, input_tokens=8192, output_tokens=2, history_tokens=share * 8192)
        found = engine.speed(candidate, memory, hardware, model, load)
        assert found is not None and found.ttft_warm_s is not None
        seconds.append(found.ttft_warm_s.expected)
    assert seconds[1] / seconds[0] == pytest.approx(1.758 / 2.777, rel=0.25)
    assert seconds[2] / seconds[0] == pytest.approx(0.914 / 2.777, rel=0.25)


@given(case=cases, waiting=st.floats(0, 200), history=st.floats(0.2, 0.95))
def test_who_waits_for_a_place_keeps_none(case: int, waiting: float, history: float) -> None:
    """Where everybody has asked, the last turns of those who wait are pushed out as those of people who think are."""
    candidate, hardware, model = CASES[case % len(CASES)]
    engine = ENGINES[candidate.engine]
    slots = engine.resize(candidate, 4, hardware, model)
    memory = engine.memory(slots, hardware, model)
    everybody = slots.max_in_flight + waiting
    asked = Load(in_flight=everybody, input_tokens=2000, output_tokens=200, history_tokens=history * 2000,
                 conversations=everybody)  # fmt: skip
    thinking = replace(asked, in_flight=float(slots.max_in_flight))
    all_ask, some_think = (engine.speed(slots, memory, hardware, model, load) for load in (asked, thinking))
    assert all_ask is not None and some_think is not None
    assert all_ask.kept_share <= some_think.kept_share + 1e-9
