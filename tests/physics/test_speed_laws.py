"""Laws of physics that no prediction may break, over the whole catalogue."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from advisor.catalog import gpus, models, weights_format
from advisor.catalog.entries import GpuSpec
from advisor.engines.ollama.memory import memory as ollama_memory
from advisor.engines.ollama.speed import setup as ollama_setup
from advisor.engines.ollama.speed import speed as ollama_speed
from advisor.engines.vllm.memory import memory as vllm_memory
from advisor.engines.vllm.speed import setup as vllm_setup
from advisor.engines.vllm.speed import speed as vllm_speed
from advisor.physics.speed.roofline import roof_tokens_per_s
from advisor.probe.named import accelerator
from advisor.schema import Accelerator, Candidate, Cpu, Hardware, Load, ModelSpec, Speed

SLACK = 1.002  # what the solver of the closed loop may leave
CARDS = [card for card in gpus() if card.bandwidth_bytes_per_s and card.memory_bytes]
MODELS = [model for model in models() if model.layers and model.vocab]
HOST = Cpu(model="", architecture="x86_64", cores=16, threads=32, memory_bytes=256 << 30, instruction_sets=("avx2",))
VLLM_FORMATS = ("bf16", "fp8", "awq-int4", "int8-w8a8", "nvfp4")
GGUF_FORMATS = ("f16", "q8_0", "q4_K_M", "q2_K")

cards = st.sampled_from(CARDS)
specs = st.sampled_from(MODELS)
counts = st.sampled_from((1, 2, 4, 8))
tokens = st.integers(16, 8000)
flights = st.integers(1, 300)
engines = st.sampled_from(("vllm", "ollama"))
picks = st.integers(0, 19)


def machine(card: GpuSpec, count: int) -> Hardware:
    """That many of one card."""
    peers = range(count)
    found = tuple(accelerator(card, index, tuple(p for p in peers if p != index)) for index in peers)
    return Hardware(source="simulated", os="linux", cpu=HOST, accelerators=found)


def plan(engine: str, pick: int, count: int, model: ModelSpec, slots: int) -> Candidate:
    """A candidate that uses all cards: tensor parallel as far as the heads allow, slots as given."""
    tensor = count if engine == "vllm" and model.heads and model.heads % count == 0 else 1
    names = VLLM_FORMATS if engine == "vllm" else GGUF_FORMATS
    return Candidate(
        engine=engine, model_ref=model.hf_id, weights_format=names[pick % len(names)],
        kv_cache_dtype="auto" if engine == "vllm" else "f16", device="gpu", gpu_indices=tuple(range(count)),
        context_tokens=16384, max_in_flight=slots if engine == "ollama" else 256, max_batched_tokens=2048,
        tensor_parallel=tensor, pipeline_parallel=count // tensor if engine == "vllm" else 1,
        memory_utilization=0.92 if engine == "vllm" else None,
    )  # fmt: skip


def predicted(candidate: Candidate, hardware: Hardware, model: ModelSpec, load: Load) -> Speed | None:
    """The speed, or None where the model does not fit."""
    size = (vllm_memory if candidate.engine == "vllm" else ollama_memory)(candidate, hardware, model)
    if not size.fits:
        return None
    return (vllm_speed if candidate.engine == "vllm" else ollama_speed)(candidate, size, hardware, model, load)


def fitting(speed: Speed | None) -> Speed:
    """A case that does not fit is not a case."""
    assume(speed is not None)
    assert speed is not None
    return speed


def rate(speed: Speed | None) -> float:
    """Total output tokens/s."""
    return fitting(speed).output_tokens_per_s.expected


def better(hardware: Hardware, what: str) -> Hardware:
    """Every card with a fifth more of one thing."""

    def more(card: Accelerator) -> Accelerator:
        if what == "bandwidth":
            return replace(card, bandwidth_bytes_per_s=1.2 * (card.bandwidth_bytes_per_s or 0))
        if what == "memory":
            return replace(card, memory_bytes=int(1.2 * card.memory_bytes))
        return replace(card, dense_flops={name: 1.2 * flops for name, flops in card.dense_flops.items()})

    return replace(hardware, accelerators=tuple(more(card) for card in hardware.accelerators))


@settings(max_examples=150, deadline=None)
@given(engines, picks, cards, counts, specs, flights, tokens, tokens)
def test_no_prediction_is_above_the_roofline(
    engine: str, pick: int, card: GpuSpec, count: int, model: ModelSpec, in_flight: int, prompt: int, answer: int
) -> None:
    """Total output, at its upper end too, stays below what bandwidth and FLOPs allow for that batch."""
    hardware = machine(card, count)
    candidate = plan(engine, pick, count, model, slots=in_flight)
    load = Load(in_flight=in_flight, input_tokens=prompt, output_tokens=answer)
    found = fitting(predicted(candidate, hardware, model, load))
    ready = (vllm_setup if engine == "vllm" else ollama_setup)(candidate, hardware, model)
    assert ready is not None
    roof = roof_tokens_per_s(ready.prepared.facts, ready.prepared.device, in_flight, ready.working_cards)
    assert found.output_tokens_per_s.expected <= roof
    assert found.output_tokens_per_s.high <= roof


@settings(max_examples=150, deadline=None)
@given(
    engines,
    picks,
    cards,
    counts,
    specs,
    flights,
    tokens,
    tokens,
    st.sampled_from(("bandwidth", "memory", "flops")),
)
def test_a_better_card_is_never_slower(
    engine: str,
    pick: int,
    card: GpuSpec,
    count: int,
    model: ModelSpec,
    in_flight: int,
    prompt: int,
    answer: int,
    what: str,
) -> None:
    """More bandwidth, more memory or more FLOPs never lowers the output rate."""
    hardware = machine(card, count)
    candidate = plan(engine, pick, count, model, slots=in_flight)
    load = Load(in_flight=in_flight, input_tokens=prompt, output_tokens=answer)
    before = rate(predicted(candidate, hardware, model, load))
    assert rate(predicted(candidate, better(hardware, what), model, load)) * SLACK >= before


def held(hardware: Hardware, share: float) -> Hardware:
    """Every card with so much of its power."""
    return replace(hardware, accelerators=tuple(replace(c, power_share=share) for c in hardware.accelerators))


@settings(max_examples=150, deadline=None)
@given(engines, picks, cards, counts, specs, flights, tokens, tokens, st.floats(0.3, 1.0), st.floats(0.3, 1.0))
def test_less_power_is_never_faster(
    engine: str,
    pick: int,
    card: GpuSpec,
    count: int,
    model: ModelSpec,
    in_flight: int,
    prompt: int,
    answer: int,
    one: float,
    other: float,
) -> None:
    """A lower power limit never raises the output rate, and no limit costs more than its share of the power."""
    least, most = sorted((one, other))
    hardware = machine(card, count)
    candidate = plan(engine, pick, count, model, slots=in_flight)
    load = Load(in_flight=in_flight, input_tokens=prompt, output_tokens=answer)
    slow = rate(predicted(candidate, held(hardware, least), model, load))
    fast = rate(predicted(candidate, held(hardware, most), model, load))
    assert slow <= fast * SLACK
    assert slow >= least * rate(predicted(candidate, hardware, model, load)) / SLACK


def test_cards_that_work_in_turn_do_not_feel_a_limit() -> None:
    """Held to 63 % of its power one card answers a single stream slower; two that hold its layers in turn do not."""
    card = next(card for card in CARDS if card.id == "nvidia-rtx-3090")
    model = next(model for model in MODELS if model.hf_id == "Qwen/Qwen2.5-7B-Instruct")
    load = Load(in_flight=1, input_tokens=16, output_tokens=256)
    slowed = []
    for count in (1, 2):
        candidate, whole = plan("ollama", 2, count, model, slots=1), machine(card, count)
        free, limited = (predicted(candidate, hardware, model, load) for hardware in (whole, held(whole, 0.63)))
        assert free is not None and limited is not None
        slowed.append(limited.output_tokens_per_s.expected / free.output_tokens_per_s.expected)
    assert slowed[0] < 0.95 and slowed[1] == pytest.approx(1.0)


@settings(max_examples=150, deadline=None)
@given(engines, picks, cards, counts, specs, flights, tokens, tokens, st.booleans())
def test_longer_requests_never_raise_requests_per_s(
    engine: str,
    pick: int,
    card: GpuSpec,
    count: int,
    model: ModelSpec,
    in_flight: int,
    prompt: int,
    answer: int,
    which: bool,
) -> None:
    """A longer prompt or a longer answer never lets more requests through."""
    hardware = machine(card, count)
    candidate = plan(engine, pick, count, model, slots=in_flight)
    load = Load(in_flight=in_flight, input_tokens=prompt, output_tokens=answer)
    longer = replace(load, input_tokens=2 * prompt) if which else replace(load, output_tokens=2 * answer)
    before = rate(predicted(candidate, hardware, model, load)) / load.output_tokens
    assert rate(predicted(candidate, hardware, model, longer)) / longer.output_tokens <= before * SLACK


@settings(max_examples=150, deadline=None)
@given(engines, picks, cards, counts, specs, flights, flights, tokens, tokens)
def test_more_in_flight_never_lowers_total_output(
    engine: str, pick: int, card: GpuSpec, count: int, model: ModelSpec, one: int, other: int, prompt: int, answer: int
) -> None:
    """With the same slots, more requests in flight give at least the same total output."""
    few, many = sorted((one, other))
    hardware = machine(card, count)
    candidate = plan(engine, pick, count, model, slots=32)
    load = Load(in_flight=few, input_tokens=prompt, output_tokens=answer)
    before = rate(predicted(candidate, hardware, model, load))
    assert rate(predicted(candidate, hardware, model, replace(load, in_flight=many))) * SLACK >= before


@settings(max_examples=80, deadline=None)
@given(engines, picks, cards, specs, flights, tokens, tokens)
def test_percentiles_and_ranges_are_ordered(
    engine: str, pick: int, card: GpuSpec, model: ModelSpec, in_flight: int, prompt: int, answer: int
) -> None:
    """Low ≤ expected ≤ high for every figure, and a 95th percentile is never below the mean."""
    hardware = machine(card, 1)
    load = Load(in_flight=in_flight, input_tokens=prompt, output_tokens=answer)
    found = fitting(predicted(plan(engine, pick, 1, model, slots=4), hardware, model, load))
    for figure in (found.output_tokens_per_s, found.ttft_s, found.ttft_p95_s, found.tpot_s, found.tpot_p95_s):
        assert 0 < figure.low <= figure.expected <= figure.high
    assert found.ttft_p95_s.expected >= found.ttft_s.expected
    assert found.tpot_p95_s.expected >= found.tpot_s.expected


def test_one_slot_is_flat_from_one_to_sixty_four_in_flight() -> None:
    """A default Ollama answers one request at a time: total output at 64 in flight is that at 4."""
    card = next(card for card in CARDS if card.id == "nvidia-rtx-4090")
    model = next(model for model in MODELS if model.hf_id == "Qwen/Qwen2.5-7B-Instruct")
    candidate = plan("ollama", 0, 1, model, slots=1)
    loads = [Load(in_flight=n, input_tokens=256, output_tokens=256) for n in (4, 16, 64)]
    found = [predicted(candidate, machine(card, 1), model, load) for load in loads]
    rates = [speed.output_tokens_per_s.expected for speed in found if speed]
    assert len(rates) == 3
    assert max(rates) == pytest.approx(min(rates), rel=0.01)


def test_formats_resolve() -> None:
    """Every format the laws are tried with is in the catalogue."""
    assert all(weights_format(name) for name in (*VLLM_FORMATS, *GGUF_FORMATS))
