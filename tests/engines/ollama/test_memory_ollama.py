"""Ollama's memory account: slots up front, windows, layers over cards, the 80 % rule, offload."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.catalog import models, weights_format
from advisor.catalog.gpu_names import find_gpu
from advisor.engines.ollama.allocation import buffers, padded, slot_bytes
from advisor.engines.ollama.host import host_bytes, prompt_cache_bytes
from advisor.engines.ollama.memory import (
    gpu_layers,
    max_context,
    max_slots,
    memory,
    predicted_bytes,
    single_gpu,
)
from advisor.engines.ollama.split import Card, place, shares
from advisor.models.names import find_model
from advisor.physics.memory.weights import file_bytes
from advisor.schema import Accelerator, Candidate, Cpu, Hardware, ModelSpec
from advisor.units import GIB, MIB

LLAMA = find_model("meta-llama/Llama-3.1-8B-Instruct", offline=True)
LARGE = find_model("meta-llama/Llama-3.3-70B-Instruct", offline=True)


def machine(*cards: str, ram_gib: int = 256, free_gib: float | None = None) -> Hardware:
    """A simulated machine."""
    found = [find_gpu(card) for card in cards]
    accelerators = tuple(
        Accelerator(
            index=index,
            name=spec.name,
            vendor=spec.vendor,
            device_class=spec.device_class,
            memory_bytes=spec.memory_bytes,
            unified_memory=spec.unified_memory,
            free_bytes=None if free_gib is None else int(free_gib * GIB),
        )
        for index, spec in enumerate(found)
    )
    cpu = Cpu(model="x", architecture="x86_64", cores=8, threads=16, memory_bytes=ram_gib * GIB)
    return Hardware(source="simulated", os="linux", cpu=cpu, accelerators=accelerators)


def candidate(**changes: Any) -> Candidate:
    """Q4_K_M on the first card with Ollama's defaults, changed."""
    plain = Candidate(
        engine="ollama",
        model_ref="model",
        weights_format="q4_K_M",
        kv_cache_dtype="f16",
        device="gpu",
        gpu_indices=(0,),
        context_tokens=4096,
        max_in_flight=1,
        max_batched_tokens=512,
    )
    return replace(plain, **changes)


def test_every_slot_is_allocated_up_front() -> None:
    """KV is context times slots: four slots of 8,192 tokens take 4 GiB at 16 bit, 2.125 at q8_0."""
    four = candidate(context_tokens=8192, max_in_flight=4)
    cards = machine("RTX 4090")
    assert memory(four, cards, LLAMA).kv_bytes == 4 * GIB
    assert memory(replace(four, kv_cache_dtype="q8_0"), cards, LLAMA).kv_bytes == 4 * GIB * 34 / 64
    assert memory(four, cards, LLAMA).kv_tokens == 4 * 8192


def test_cells_are_padded() -> None:
    """Each slot's cache is padded to 256 cells."""
    assert [padded(tokens) for tokens in (1, 256, 257)] == [256, 256, 512]
    assert slot_bytes(candidate(context_tokens=4100), LLAMA) == slot_bytes(candidate(context_tokens=4352), LLAMA)


def test_windows_hold_the_window_and_a_batch() -> None:
    """Gemma 3 27B: 10 layers hold the context, 52 hold window plus batch, 1,536 cells."""
    model = find_model("google/gemma-3-27b-it", offline=True)
    slot = slot_bytes(candidate(context_tokens=32_768), model)
    assert slot == 8192 * (10 * 32_768 + 52 * 1536)


def test_some_windows_are_not_used() -> None:
    """llama.cpp keeps the whole context for Mistral 7B v0.1, although its config has a window of 4,096."""
    model = find_model("mistralai/Mistral-7B-Instruct-v0.1", offline=True)
    assert slot_bytes(candidate(context_tokens=16_384), model) == 131_072 * 16_384


def test_the_compute_buffer_is_the_logits_of_a_batch() -> None:
    """Llama 3.1 8B at a batch of 512: 512 rows of vocabulary and hidden size in 32 bit, and the mask."""
    _, with_head = buffers(candidate(), LLAMA)
    assert with_head == 512 * (128_256 + 4096) * 4 + 4096 * 512 * 4
    assert with_head / MIB == pytest.approx(258.5 + 8, abs=0.1)


def test_the_embedding_stays_on_the_host() -> None:
    """On a card lie the layers and the head; the input embedding lies in host memory."""
    cards = machine("RTX 4090")
    file = file_bytes(LLAMA, weights_format("q4_K_M"))
    on_card = memory(candidate(), cards, LLAMA).weights_bytes
    embedding = 128_256 * 4096 * 144 / 256
    assert on_card == pytest.approx(file - embedding, rel=0.002)
    assert host_bytes(candidate(), LLAMA) == pytest.approx(embedding + 0.5 * GIB, rel=0.001)


def test_case_b_fits_two_cards_with_a_context_that_is_stated() -> None:
    """Llama 3.3 70B Q4_K_M (39.6 GiB) fits two RTX 4090 by layers, with a context of 8,192 to 24,576."""
    pair, cards = candidate(gpu_indices=(0, 1)), machine("RTX 4090", "RTX 4090")
    assert file_bytes(LARGE, weights_format("q4_K_M")) / GIB == pytest.approx(39.6, abs=0.1)
    assert memory(pair, cards, LARGE).fits
    longest = max_context(pair, cards, LARGE)
    assert 8192 <= longest <= 24_576
    assert not memory(replace(pair, context_tokens=longest + 256), cards, LARGE).fits
    assert not memory(replace(pair, weights_format="q8_0"), cards, LARGE).fits


def test_one_card_takes_a_part_of_the_layers() -> None:
    """About half of a 70B model's layers fit one RTX 4090; with the rest on the CPU it fits."""
    cards = machine("RTX 4090")
    on_gpu = gpu_layers(candidate(), cards, LARGE)
    assert 36 <= on_gpu <= 46
    assert not memory(candidate(), cards, LARGE).fits
    assert memory(candidate(cpu_layers=LARGE.layers - on_gpu), cards, LARGE).fits
    assert not memory(candidate(cpu_layers=LARGE.layers - on_gpu - 1), cards, LARGE).fits


def test_what_stays_on_the_cpu_needs_host_memory() -> None:
    """Half of a 70B model does not go into 16 GiB of RAM."""
    half = candidate(cpu_layers=44)
    assert memory(half, machine("RTX 4090", ram_gib=64), LARGE).fits
    refused = memory(half, machine("RTX 4090", ram_gib=16), LARGE)
    assert not refused.fits and refused.short_bytes > 4 * GIB


def test_the_eighty_per_cent_rule() -> None:
    """One card of several is chosen when Ollama's 16-bit prediction is within 80 % of its free memory."""
    cards = machine("RTX 4090", "RTX 4090", free_gib=23)
    small = candidate(gpu_indices=(0, 1), kv_cache_dtype="q4_0")
    # file 4.9 GB + 2 x 32 layers x 8 heads x 128 x 2 B = 131,072 B/token
    expected = file_bytes(LLAMA, weights_format("q4_K_M")) + 131_072 * 4096
    assert predicted_bytes(small, LLAMA) == expected
    assert single_gpu(small, cards, LLAMA)
    most = int((0.8 * 23 * GIB - file_bytes(LLAMA, weights_format("q4_K_M"))) / 131_072)
    assert single_gpu(replace(small, context_tokens=most), cards, LLAMA)
    assert not single_gpu(replace(small, context_tokens=most + 1), cards, LLAMA)
    assert not single_gpu(candidate(gpu_indices=(0, 1)), cards, LARGE)


def test_the_margin_of_a_gibibyte_is_kept() -> None:
    """llama-server's fit leaves 1,024 MiB on every device."""
    result = memory(candidate(), machine("RTX 4090", free_gib=20), LLAMA)
    assert result.budget_bytes == 19 * GIB


def test_slots_are_counted_exactly() -> None:
    """The most slots that fit do, one more does not."""
    cards = machine("RTX 4090")
    slots = max_slots(candidate(context_tokens=8192), cards, LLAMA)
    assert 10 < slots < 18
    assert memory(candidate(context_tokens=8192, max_in_flight=slots), cards, LLAMA).fits
    assert not memory(candidate(context_tokens=8192, max_in_flight=slots + 1), cards, LLAMA).fits


def test_a_cpu_uses_ram() -> None:
    """Without a card everything lies in RAM, beside a reserve; the prompt cache takes what is left."""
    on_cpu = candidate(device="cpu", gpu_indices=())
    roomy, tight = machine(ram_gib=32), machine(ram_gib=8)
    assert memory(on_cpu, roomy, LLAMA).fits
    assert prompt_cache_bytes(on_cpu, roomy, LLAMA) == 8192 * MIB
    assert memory(on_cpu, tight, LLAMA).fits
    assert 0 < prompt_cache_bytes(on_cpu, tight, LLAMA) < 2 * GIB
    assert not memory(replace(on_cpu, context_tokens=32_768), tight, LLAMA).fits


def test_unified_memory_holds_both_sides() -> None:
    """On unified memory the card's part and the host's part come out of the same RAM."""
    box = machine("GB10", ram_gib=120)
    assert memory(candidate(context_tokens=8192), box, LARGE).fits
    busy = replace(box, cpu=replace(box.cpu, available_bytes=24 * GIB))
    refused = memory(candidate(context_tokens=8192), busy, LARGE)
    assert not refused.fits and refused.short_bytes > 15 * GIB


def test_a_mac_makes_room() -> None:
    """On macOS the GPU's share of memory counts, not what other programs hold at the moment."""
    mac = replace(machine("Apple M3 Max 64GB", ram_gib=64, free_gib=9), os="darwin")
    busy = replace(mac, cpu=replace(mac.cpu, available_bytes=9 * GIB))
    assert memory(candidate(context_tokens=8192), busy, LARGE).fits


def test_layers_follow_the_room() -> None:
    """Layers are spread in proportion to the room of the cards, and never beyond it."""
    assert shares([24.0, 12.0], 30) == [20, 10]
    cards = [Card(0, 24, 24.0, 0.0), Card(1, 12, 12.0, 0.0)]
    placed = place(cards, 30, 1.0, 2.0)
    assert placed is not None and [one.layers for one in placed] == [20, 10]
    assert place(cards, 35, 1.0, 2.0) is None
    tight = place(cards, 34, 1.0, 2.0)
    assert tight is not None and [one.layers for one in tight] == [24, 10]


some_model = st.sampled_from(models())
plans = st.builds(
    candidate,
    weights_format=st.sampled_from(["q4_K_M", "q8_0", "bf16-gguf"]),
    kv_cache_dtype=st.sampled_from(["f16", "q8_0"]),
    context_tokens=st.integers(64, 131_072),
    max_in_flight=st.integers(1, 64),
    max_batched_tokens=st.sampled_from([512, 2048]),
    gpu_indices=st.sampled_from([(0,), (0, 1), (0, 1, 2)]),
)
MACHINES = (machine("RTX 4090", "RTX 4090", "RTX 3060 12GB"), machine("L4", "L4", "L4"))


@settings(max_examples=80, deadline=None)
@given(
    plan=plans,
    cards=st.sampled_from(MACHINES),
    model=some_model,
    longer=st.integers(0, 65_536),
    slots=st.integers(0, 32),
    gib=st.integers(0, 48),
)
def test_more_room_and_less_work_never_break_a_fit(
    plan: Candidate, cards: Hardware, model: ModelSpec, longer: int, slots: int, gib: int
) -> None:
    """More memory never breaks a fit; a longer context and more slots never make one."""
    here = memory(plan, cards, model)
    first = cards.accelerators[0]
    grown = replace(first, memory_bytes=first.memory_bytes + gib * GIB)
    larger = replace(cards, accelerators=(grown, *cards.accelerators[1:]))
    assert memory(plan, larger, model).fits or not here.fits
    wider = replace(plan, context_tokens=plan.context_tokens + longer, max_in_flight=plan.max_in_flight + slots)
    assert here.fits or not memory(wider, cards, model).fits
    assert slot_bytes(wider, model) >= slot_bytes(plan, model)


@settings(max_examples=80, deadline=None)
@given(plan=plans, cards=st.sampled_from(MACHINES), model=some_model)
def test_the_account_adds_up(plan: Candidate, cards: Hardware, model: ModelSpec) -> None:
    """Parts of a plan that fits stay within the budget of its fullest card, with all layers on cards."""
    result = memory(plan, cards, model)
    parts = result.weights_bytes + result.kv_bytes + result.activation_bytes + result.overhead_bytes
    assert result.fits == (result.short_bytes == 0)
    if result.fits:
        assert parts <= result.budget_bytes + 4
        assert gpu_layers(plan, cards, model) == model.layers
    else:
        assert result.full_sequences < plan.max_in_flight


@settings(max_examples=40, deadline=None)
@given(plan=plans, cards=st.sampled_from(MACHINES), model=some_model, layers=st.integers(0, 40))
def test_fewer_layers_on_the_card_never_need_more(
    plan: Candidate, cards: Hardware, model: ModelSpec, layers: int
) -> None:
    """Moving layers to a CPU with enough RAM never breaks a fit."""
    roomy = replace(cards, cpu=replace(cards.cpu, memory_bytes=8192 * GIB))
    some = replace(plan, cpu_layers=min(layers, model.layers))
    more = replace(plan, cpu_layers=min(layers + 1, model.layers))
    assert memory(more, roomy, model).fits or not memory(some, roomy, model).fits
