"""Starts of hybrid and vision models that people measured, and those that died: vllm-project/recipes PR 551, 810, 831, 971,
unslothai/unsloth issue 7091, mitchross/talos PR 1995."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import models
from advisor.engines.vllm.consumed import consumed
from advisor.engines.vllm.memory import memory, replica_pool
from advisor.engines.vllm.propose import propose
from advisor.engines.vllm.sizing import resize, utilization
from advisor.models.names import find_model, find_model_and_format
from advisor.physics.memory.kv import declared_state_bytes
from advisor.pipeline import recommend
from advisor.schema import Candidate, Hardware, ModelSpec
from tests.engines.vllm.test_memory_vllm import candidate, machine
from tests.rules_builder import WORKLOAD

HYBRIDS = tuple(model for model in models() if model.layers_linear)


def started(name: str, card: str, count: int = 1, **changes: Any) -> tuple[Candidate, Hardware, ModelSpec]:
    """`vllm serve` of that repository on those cards, as we would size it."""
    model, fmt = find_model_and_format(name, offline=True)
    cards = machine(card, count)
    share = changes.pop("share", None) or utilization(cards.accelerators, model)
    plan = candidate(
        weights_format=fmt.name if fmt else model.native_format, gpu_indices=tuple(range(count)), tensor_parallel=count,
        max_batched_tokens=changes.pop("batched", 2048), memory_utilization=share, **changes,
    )  # fmt: skip
    return plan, cards, model


NVFP4 = ("Inferact/Qwen3.8-27B-NVFP4", "RTX 5090", 1)
PAIR = ("Qwen/Qwen3.8-27B-FP8", "RTX 5090", 2)
EAGER = {"context_tokens": 32_768, "eager": True}


@pytest.mark.parametrize(
    ("what", "how", "tokens"),
    [
        (NVFP4, {**EAGER, "kv_cache_dtype": "fp8", "max_in_flight": 2}, 91_022),
        (NVFP4, {**EAGER, "kv_cache_dtype": "fp8", "max_in_flight": 256}, 91_022),
        (NVFP4, {**EAGER, "text_only": True, "max_in_flight": 2}, 76_458),
        (NVFP4, {**EAGER, "text_only": True, "kv_cache_dtype": "fp8", "max_in_flight": 2}, 135_926),
        (PAIR, {"context_tokens": 262_144, "max_in_flight": 2}, 377_456),
        (PAIR, {"context_tokens": 262_144, "max_in_flight": 256}, 377_456),
        (("Inferact/Qwen3.8-27B-NVFP4", "RTX 5090", 2), {"context_tokens": 262_144, "max_in_flight": 256}, 445_875),
    ],
)
def test_measured_starts(what: tuple[str, str, int], how: dict[str, Any], tokens: int) -> None:
    """KV tokens within 8 % of those that the server logged."""
    plan, cards, model = started(*what, **how)
    result = memory(plan, cards, model)
    assert result.fits
    assert result.kv_tokens == pytest.approx(tokens, rel=0.08)


@pytest.mark.parametrize(
    ("name", "card", "context"),
    [
        ("Inferact/Qwen3.8-27B-NVFP4", "RTX 5090", 32_768),
        ("nvidia/Qwen3.6-27B-NVFP4", "RTX 4090", 8192),
        ("unsloth/Qwen3.6-27B-NVFP4", "RTX PRO 4000 Blackwell", 8192),
        ("cyankiwi/Qwen3.8-27B-AWQ-INT4", "RTX 3090", 32_768),
    ],
)
def test_starts_that_died(name: str, card: str, context: int) -> None:
    """With the engine's own slots and CUDA graphs on none of these starts."""
    plan, cards, model = started(name, card, context_tokens=context, max_in_flight=256)
    assert not memory(plan, cards, model).fits


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Qwen/Qwen3.8-27B", 48 * 128 * 128 * 4 + 10_240 * 3 * 2),
        ("Qwen/Qwen3.6-35B-A3B", 32 * 128 * 128 * 4 + 8192 * 3 * 2),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 32 * 128 * 128 * 2 + 8192 * 3 * 2),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 64 * 64 * 128 * 4 + 6144 * 3 * 2),
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", 128 * 80 * 128 * 4 + 12_288 * 3 * 2),
        ("ibm-granite/granite-4.0-h-small", 128 * 64 * 128 * 2 + 8448 * 3 * 2),
        ("ai21labs/AI21-Jamba2-3B", 5120 * 16 * 2 + 5120 * 3 * 2),
        ("moonshotai/Kimi-Linear-48B-A3B-Instruct", 32 * 128 * 128 * 4 + 3 * 4096 * 3 * 2),
        ("tiiuae/Falcon-H1-7B-Instruct", 24 * 128 * 256 * 2 + 3584 * 3 * 2),
    ],
)
def test_states_are_those_of_the_configs(name: str, state: int) -> None:
    """Bytes of one layer's state for one sequence, exactly, by heads, widths and types of the published configs."""
    assert declared_state_bytes(find_model(name, offline=True)) == state


@pytest.mark.parametrize(
    ("name", "element", "tokens"),
    [
        ("Qwen/Qwen3.8-27B", 2.0, 784),  # as vLLM logs it: "Setting attention block size to 784 tokens"
        ("Qwen/Qwen3.8-27B", 1.0, 1568),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 2.0, 544),
        ("Qwen/Qwen3.6-35B-A3B", 2.0, 1056),
    ],
)
def test_attention_blocks_hold_a_state(name: str, element: float, tokens: int) -> None:
    """The block of a hybrid's attention is the smallest that a layer's state fits into."""
    model = find_model(name, offline=True)
    plan = candidate(kv_cache_dtype="fp8" if element == 1 else "auto")
    per_token = 2 * model.kv_heads * model.head_dim * element * model.layers_full
    assert replica_pool(plan, model).block_bytes == tokens * per_token


@pytest.mark.parametrize(
    ("gpu", "model", "quantization", "asked", "most"),
    [
        ("H100", "Qwen/Qwen3.6-27B-FP8", "auto", 800, 830),
        ("RTX PRO 6000 Blackwell Max-Q", "Qwen/Qwen3.8-27B", "bf16", 500, 556),
        ("RTX PRO 6000 Blackwell Max-Q", "Qwen/Qwen3.8-27B", "fp8", 1000, 939),
        ("RTX PRO 6000 Blackwell Max-Q", "Inferact/Qwen3.8-27B-NVFP4", "auto", 1000, 1011),
        ("H100", "nvidia/NVIDIA-Nemotron-Nano-9B-v2", "auto", 1000, 1024),
        ("H100", "Qwen/Qwen3-Next-80B-A3B-Instruct-FP8", "auto", 1000, 1024),
    ],
)
def test_no_more_slots_than_state_blocks(gpu: str, model: str, quantization: str, asked: int, most: int) -> None:
    """Where more are asked for, the slots are capped and the rest is said to wait; or the answer is no."""
    load = {"model": model, "quantization": quantization, "engine": "vllm", "concurrency": asked, "offline": True}
    answer = recommend(profile="batch", overrides=load, gpu=gpu)
    if answer.plan is None:
        assert answer.verdict.winner is None
        return
    winner = answer.verdict.winner
    assert winner is not None
    assert winner.estimate.candidate.max_in_flight <= most
    short = winner.estimate.candidate.max_in_flight < asked
    assert short == any(finding.rule == "FIT108" for finding in winner.findings)


CARDS = ("RTX 4090", "RTX 5090", "L40S", "H100 80GB SXM", "RTX PRO 6000 Blackwell Max-Q")


@given(st.sampled_from(HYBRIDS), st.sampled_from(CARDS), st.sampled_from((1, 2)), st.integers(1, 2000))
def test_law_slots_stay_below_the_state_blocks(model: ModelSpec, card: str, count: int, wanted: int) -> None:
    """Whatever hybrid, card and load: a start that is said to fit has a state block for every sequence it may run."""
    cards = machine(card, count)
    plan = candidate(
        weights_format=model.native_format, gpu_indices=tuple(range(count)), tensor_parallel=count,
        max_in_flight=1, memory_utilization=utilization(cards.accelerators, model),
    )  # fmt: skip
    sized = resize(plan, wanted, cards, model)
    result = memory(sized, cards, model)
    kv_pool = replica_pool(sized, model)
    if result.fits:
        assert result.most_sequences is not None
        assert sized.max_in_flight <= result.most_sequences <= kv_pool.blocks(result.kv_bytes)


@given(st.sampled_from(models()), st.sampled_from(CARDS), st.booleans())
def test_law_a_lever_never_takes_memory(model: ModelSpec, card: str, eager: bool) -> None:
    """Without graphs or without the vision tower nothing takes more than with them."""
    cards, plain = machine(card), candidate(weights_format="bf16", max_in_flight=8, max_batched_tokens=2048)
    lean = replace(plain, eager=eager, text_only=not eager)
    assert consumed(lean, cards, model).total <= consumed(plain, cards, model).total
    assert memory(lean, cards, model).kv_bytes >= memory(plain, cards, model).kv_bytes


def answered(gpu: str, model: str, context: int, **more: Any) -> Any:
    """The answer for one request in flight on vLLM."""
    load = {"model": model, "engine": "vllm", "concurrency": 1, "context_tokens": context, "offline": True, **more}
    return recommend(profile=None, overrides=load, gpu=gpu)


@pytest.mark.parametrize("gpu", ["RTX 4090", "RTX 3090", "RTX PRO 4000 Blackwell"])
@pytest.mark.parametrize(
    ("model", "context"),
    [
        ("nvidia/Qwen3.6-27B-NVFP4", 8192),
        ("unsloth/Qwen3.6-27B-NVFP4", 8192),
        ("cyankiwi/Qwen3.8-27B-AWQ-INT4", 32_768),
        ("QuantTrio/Qwen3.5-27B-AWQ", 32_768),
        ("Qwen/Qwen3.5-27B-GPTQ-Int4", 32_768),
    ],
)
def test_27b_hybrids_do_not_fit_24_gb_with_long_contexts(gpu: str, model: str, context: int) -> None:
    """Their 16-bit layers and what they take at start leave too little on a 24 GB card, whatever lever is pulled."""
    assert answered(gpu, model, context).plan is None


def test_one_5090_starts_at_the_edge() -> None:
    """The 24.6 GiB build runs on one 32 GB card without CUDA graphs, says so, and is not sold as sure."""
    answer = answered("RTX 5090", "Inferact/Qwen3.8-27B-NVFP4", 32_768)
    flags = {setting.name for setting in answer.plan.settings}
    assert flags & {"--enforce-eager", "--language-model-only"}
    assert answer.verdict.confidence != "high"


VISION = [
    ("google/gemma-3-12b-it", "RTX 3060 12GB", 32_768),
    ("google/gemma-4-31B-it", "RTX 4090", 32_768),
    ("mistralai/Pixtral-12B-2409", "RTX 4060 Ti 16GB", 8192),
    ("mistralai/Ministral-3-8B-Instruct-2512", "RTX 3060 12GB", 8192),
    ("Qwen/Qwen3-VL-8B-Instruct", "RTX 3060 12GB", 40_960),
]


@pytest.mark.parametrize(("model", "gpu", "context"), VISION)
def test_the_tower_goes_before_the_answer_is_no(model: str, gpu: str, context: int) -> None:
    """Where a vision model does not start whole it starts for text, and the flag says what that costs."""
    row = next(setting for setting in answered(gpu, model, context).plan.settings if "language" in setting.name)
    assert (row.name, "pictures are refused" in row.because) == ("--language-model-only", True)


@pytest.mark.parametrize(("model", "gpu", "context"), VISION)
def test_the_tower_stays_where_pictures_are_the_task(model: str, gpu: str, context: int) -> None:
    """A service that reads pictures is never planned without the part that does."""
    cards = machine(gpu)
    asked = replace(WORKLOAD, task="vision", context_tokens=context)
    assert not any(plan.text_only for plan in propose(cards, asked, find_model(model, offline=True)))


@pytest.mark.parametrize(
    ("model", "gpu"),
    [
        ("BAAI/bge-m3", "RTX 4090"),
        ("Qwen/Qwen3-Embedding-0.6B", "RTX 4090"),
        ("Qwen/Qwen3-Embedding-4B", "L40S"),
        ("intfloat/multilingual-e5-large", "T4"),
        ("nomic-ai/nomic-embed-text-v1.5", "H100"),
    ],
)
def test_an_embedding_model_takes_what_it_needs(model: str, gpu: str) -> None:
    """Not the engine's default share of the card: the rest stays free for others."""
    answer = recommend(
        profile=None, overrides={"model": model, "engine": "vllm", "users": 20, "offline": True}, gpu=gpu
    )
    winner = answer.verdict.winner
    assert winner is not None
    share = winner.estimate.candidate.memory_utilization
    assert share is not None and share < 0.5
    assert winner.estimate.memory.fits
