"""Weights by tensor and format: they add up, agree with published sizes, and obey the laws of formats."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import formats, models, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.models.names import find_model
from advisor.physics.memory.layout import tensor_groups
from advisor.physics.memory.shards import rank_bytes, stage_bytes
from advisor.physics.memory.weights import (
    file_bytes,
    matmul_flops_per_token,
    streamed_bytes,
    weight_bytes,
    woken_share,
)
from advisor.schema import ModelSpec

GB = 10**9
any_model = st.sampled_from(models())
any_format = st.sampled_from(tuple(formats().values()))


def test_parts_add_up_for_every_model() -> None:
    """The tensors of every catalogue model add up to its parameters, and none is negative."""
    for model in models():
        groups = tensor_groups(model)
        assert sum(group.elements for group in groups) == model.parameters, model.hf_id
        assert all(group.elements >= 0 and group.inputs > 0 for group in groups), model.hf_id


def test_active_parameters_agree() -> None:
    """What one token wakes of a mixture agrees with the active parameters, within a few per cent."""
    for model in models():
        if not model.active_parameters or not model.experts:
            continue
        routed = sum(group.elements for group in tensor_groups(model) if group.role.startswith("expert_"))
        active = model.parameters - routed * (1 - model.experts_per_token / model.experts)
        assert active == pytest.approx(model.active_parameters, rel=0.05), model.hf_id


@pytest.mark.parametrize(
    ("name", "quantisation", "expected_gb"),
    [
        # parameters x 2 bytes
        ("meta-llama/Llama-3.1-8B-Instruct", "bf16", 16.06),
        # published checkpoint: 39.77 GB; 68.45e9 linear weights x 4.156 bits, 2.1e9 others x 16 bits
        ("meta-llama/Llama-3.3-70B-Instruct", "awq-int4", 39.77),
        # 6.98e9 linear weights x 1 byte, 1.05e9 of embedding and head x 2 bytes
        ("meta-llama/Llama-3.1-8B-Instruct", "fp8", 9.08),
        # only the experts are in MXFP4: published checkpoint 13.76 GB (20b) and 65.2 GB (120b)
        ("openai/gpt-oss-20b", "mxfp4", 13.76),
        ("openai/gpt-oss-120b", "mxfp4", 65.2),
    ],
)
def test_published_checkpoints(name: str, quantisation: str, expected_gb: float) -> None:
    """The size of well-known checkpoints comes out within half a per cent."""
    size = weight_bytes(find_model(name, offline=True), weights_format(quantisation)).total_bytes
    assert size / GB == pytest.approx(expected_gb, rel=0.005)


def test_unquantised_parts_stay_at_sixteen_bits() -> None:
    """AWQ leaves embedding, head and norms alone."""
    model = find_model("meta-llama/Llama-3.1-8B-Instruct", offline=True)
    awq, plain = weight_bytes(model, weights_format("awq")), weight_bytes(model, weights_format("bf16"))
    assert (awq.embedding_bytes, awq.head_bytes) == (plain.embedding_bytes, plain.head_bytes)
    assert awq.other_bytes == plain.other_bytes
    assert awq.ffn_bytes < plain.ffn_bytes / 3.8


def test_a_local_file_is_believed() -> None:
    """The exact size of a file on disk beats the formula, and its parts keep their proportions."""
    model = find_model("meta-llama/Llama-3.1-8B-Instruct", offline=True)
    fmt = weights_format("q4_K_M")
    local = replace(model, native_format="q4_K_M", file_bytes=5_000_000_000)
    assert weight_bytes(local, fmt).total_bytes == pytest.approx(5_000_000_000)
    assert file_bytes(local, fmt) == 5_000_000_000


def test_a_dense_model_streams_everything_but_the_look_up() -> None:
    """A step of a dense model with its own head reads all weights but the input embedding, at any batch."""
    model, fmt = find_model("meta-llama/Llama-3.1-8B-Instruct", offline=True), weights_format("bf16")
    whole = weight_bytes(model, fmt)
    assert streamed_bytes(model, fmt, 1) == pytest.approx(whole.total_bytes - whole.embedding_bytes)
    assert streamed_bytes(model, fmt, 500) == streamed_bytes(model, fmt, 1)


def test_a_tied_embedding_is_streamed_once() -> None:
    """Where the embedding is also the head, a step reads it as the head."""
    model, fmt = find_model("meta-llama/Llama-3.2-1B-Instruct", offline=True), weights_format("bf16")
    assert streamed_bytes(model, fmt, 1) == pytest.approx(weight_bytes(model, fmt).total_bytes)


def test_a_mixture_wakes_its_experts_by_and_by() -> None:
    """One token reads k of E experts; many tokens read all of them, never more."""
    model, fmt = find_model("Qwen/Qwen3-30B-A3B", offline=True), weights_format("bf16")
    experts = weight_bytes(model, fmt).expert_bytes
    dense = streamed_bytes(model, fmt, 0)
    assert streamed_bytes(model, fmt, 1) - dense == pytest.approx(experts * 8 / 128)
    assert woken_share(model, 2) == pytest.approx(1 - (1 - 8 / 128) ** 2)
    assert streamed_bytes(model, fmt, 1000) == pytest.approx(dense + experts)


@pytest.mark.parametrize(
    ("name", "weights_in_products"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8.03e9 - 0.525e9),  # all but the input embedding
        ("Qwen/Qwen3-30B-A3B", 3.35e9 - 0.311e9),  # active parameters less the input embedding
        ("deepseek-ai/DeepSeek-V3.1", 37.55e9 - 0.927e9),
    ],
)
def test_flops_are_two_per_active_weight(name: str, weights_in_products: float) -> None:
    """Matrix products cost two FLOPs for every active weight, the look-up none."""
    flops = matmul_flops_per_token(find_model(name, offline=True))
    assert flops == pytest.approx(2 * weights_in_products, rel=0.01)


@given(model=any_model, fmt=any_format, tokens=st.floats(0, 4096), more=st.floats(0, 64))
def test_streaming_is_monotone_and_continuous(model: ModelSpec, fmt: WeightsFormat, tokens: float, more: float) -> None:
    """More tokens in a step never read fewer bytes, never more than all weights, and without jumps."""
    here, there = streamed_bytes(model, fmt, tokens), streamed_bytes(model, fmt, tokens + more)
    whole = weight_bytes(model, fmt)
    assert here <= there * (1 + 1e-9) <= (whole.total_bytes + whole.embedding_bytes) * (1 + 1e-6)
    step = streamed_bytes(model, fmt, tokens + 1e-6) - here
    assert step <= 1e-4 * max(whole.total_bytes, 1)


@given(model=any_model, fmt=any_format)
def test_quantising_never_adds_bytes(model: ModelSpec, fmt: WeightsFormat) -> None:
    """No format is larger than 32 bit, and none below 16 bit is larger than the 16-bit format of its kind."""
    widest = weight_bytes(model, weights_format("fp32")).total_bytes
    size = weight_bytes(model, fmt)
    assert size.total_bytes <= widest * (1 + 1e-9)
    if fmt.linear_bits < 16:
        plain = weight_bytes(model, weights_format("f16" if fmt.kind == "gguf" else "bf16"))
        assert size.total_bytes <= plain.total_bytes * (1 + 1e-9)


@given(model=any_model, fmt=any_format, ranks=st.sampled_from([1, 2, 4, 8]), stages=st.sampled_from([1, 2, 4]))
def test_more_ranks_never_hold_more_each(model: ModelSpec, fmt: WeightsFormat, ranks: int, stages: int) -> None:
    """Tensor parallelism never puts more weights on a rank, and the ranks together hold all of them."""
    assert max(stage_bytes(model, fmt, 2 * ranks, stages)) <= max(stage_bytes(model, fmt, ranks, stages))
    alone = sum(rank_bytes(model, fmt, 1))
    assert sum(rank_bytes(model, fmt, ranks)) * ranks >= alone * (1 - 1e-9)


@pytest.mark.parametrize(("name", "factor"), [("bf16", 1.0), ("fp32", 2.0)])
def test_a_local_file_loaded_in_another_format_keeps_its_proportion(name: str, factor: float) -> None:
    """The size on disk is that of the stored format: widened to 32 bit, the weights take twice as much."""
    model = replace(find_model("HuggingFaceTB/SmolLM2-135M-Instruct", offline=True), file_bytes=269_060_552)
    assert weight_bytes(model, weights_format(name)).total_bytes == pytest.approx(factor * 269_060_552)
