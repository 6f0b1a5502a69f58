"""What a model in one weights format asks of an engine step: bytes to read, FLOPs to do."""

from __future__ import annotations

from advisor.catalog.entries import WeightsFormat
from advisor.physics.memo import by_identity
from advisor.physics.memory.kv import elements_per_token, per_layer_elements, state_bytes
from advisor.physics.memory.layout import blocks
from advisor.physics.memory.weights import matmul_flops_per_token, streamed_bytes, weight_bytes
from advisor.physics.speed.step import Facts
from advisor.schema import ModelSpec

NO_WINDOW = 1e12
MLA_HEAD = 576 + 512  # multiply-adds of one absorbed MLA head with one cached token: latent + rope, then latent


@by_identity
def facts_of(model: ModelSpec, fmt: WeightsFormat, kv_element_bytes: float) -> Facts:
    """The facts of `model` stored as `fmt` with a KV cache of that many bytes an element."""
    parts = blocks(model)
    full, windowed = elements_per_token(model)
    per_layer = 4.0 * model.heads * model.head_dim
    if model.mla_kv_lora_rank:
        per_layer = 2.0 * model.heads * MLA_HEAD
    windowed_layers = model.layers_sliding if model.sliding_window else 0
    full_layers = max(parts.attention - windowed_layers, 0)
    return Facts(
        layers=model.layers,
        sparse_layers=parts.sparse,
        linear_layers=parts.linear,
        hidden=model.hidden,
        dense_bytes=streamed_bytes(model, fmt, 0),
        expert_bytes=weight_bytes(model, fmt).expert_bytes,
        expert_share=model.experts_per_token / model.experts if model.experts else 0.0,
        flops_per_token=matmul_flops_per_token(model),
        kv_full_bytes=full * kv_element_bytes,
        kv_window_bytes=windowed * kv_element_bytes,
        window=float(model.sliding_window or NO_WINDOW),
        state_bytes=state_bytes(model),
        attention_flops=per_layer * full_layers,
        window_attention_flops=per_layer * windowed_layers,
        head_flops=2.0 * model.vocab * model.hidden,
        readers=_readers(model, windowed),
    )


def _readers(model: ModelSpec, windowed: float) -> float:
    """Layers that read what one layer caches: told by those with a window, which have heads of one shape."""
    if not windowed or not model.layers_sliding:
        return 1.0
    return max(model.layers_sliding * per_layer_elements(model) / windowed, 1.0)


def held_bytes(facts: Facts, tokens: float) -> float:
    """KV cache of one sequence of `tokens` tokens, all ranks together."""
    return facts.kv_full_bytes * tokens + facts.kv_window_bytes * min(tokens, facts.window) + facts.state_bytes
