"""How many parameters a model has: counted in its files, else by formula from its config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from advisor.models.config_types import number
from advisor.schema import ModelSpec
from advisor.units import whole

VISION_WORDS = (
    "visual",
    "vision",
    "mm_projector",
    "multi_modal_projector",
    "audio",
    "embed_image",
    "image_newline",
)
# Tensors that a quantised checkpoint adds; they are no parameters.
SIDE_TENSORS = (
    "scales", "qzeros", "g_idx", "weight_scale", "weight_scale_inv", "weight_scale_2", "input_scale",
    "weight_shape", "weight_zero_point", "k_scale", "v_scale", "_scales",
)  # fmt: skip


class Counts(NamedTuple):
    """Parameters in all, of them in routed experts, of them in vision and audio towers."""

    total: int
    routed: int
    vision: int


class Tensor(NamedTuple):
    """A stored tensor: its name, how many numbers are stored, and their type."""

    name: str
    stored: int
    dtype: str


def counted(tensors: Iterable[Tensor], layers: int, tied: bool, packed_bits: int) -> Counts:
    """Sum the tensors a server loads: no scales, no draft layers behind the last, a tied head once.

    `packed_bits` is the width of a weight in integer tensors that hold several of them.
    """
    total = routed = vision = 0
    for tensor in tensors:
        if tensor.name.endswith(SIDE_TENSORS) or _is_draft(tensor.name, layers):
            continue
        if tied and tensor.name.endswith("lm_head.weight"):
            continue
        elements = tensor.stored * _per_stored(tensor, packed_bits)
        total += elements
        routed += elements if ".experts." in tensor.name or "_exps." in tensor.name else 0
        vision += elements if any(word in tensor.name for word in VISION_WORDS) else 0
    return Counts(total, routed, vision)


def _is_draft(name: str, layers: int) -> bool:
    """Multi-token-prediction layers: named so, or numbered behind the last layer."""
    if name.startswith("mtp.") or ".mtp." in name:
        return True
    before, found, after = name.partition(".layers.")
    layer = whole(after.partition(".")[0]) if found else None
    return layer is not None and layer >= layers and "vis" not in before and "audio" not in before


def _per_stored(tensor: Tensor, packed_bits: int) -> int:
    """How many weights one stored number holds."""
    if tensor.dtype == "I32" and tensor.name.endswith(("qweight", "weight_packed")):
        return 32 // packed_bits
    if tensor.dtype == "U8" and (tensor.name.endswith(("_blocks", "weight_packed")) or packed_bits == 4):
        return 8 // packed_bits
    return 1


def estimate(spec: ModelSpec, text: Mapping[str, Any]) -> Counts:
    """By formula: attention, feed-forward, embeddings and norms (the formulas of refresh/sources/models.md).

    Exact for Llama, Qwen 2/3, Mistral, Mixtral, Gemma and DeepSeek shapes; within a few per cent for hybrids;
    vision towers are not in it.
    """
    attention = _attention(spec, text)
    linear = _linear(spec, text)
    attending = spec.layers_full + spec.layers_sliding
    routed, feed_forward = _feed_forward(spec, text)
    norms = spec.layers * _norms(spec) + spec.hidden
    embeddings = spec.vocab * spec.hidden * (1 if spec.tied_embeddings else 2)
    mixed = 0 if spec.layers_linear == spec.layers and attending == spec.layers else spec.layers_linear
    total = attending * attention + mixed * linear + feed_forward + norms + embeddings
    return Counts(total, routed, 0)


def _linear(spec: ModelSpec, text: Mapping[str, Any]) -> int:
    """Weights of one layer with a fixed state: gated DeltaNet, Mamba 2, or about 4 × hidden² otherwise."""
    hidden = spec.hidden
    if text.get("linear_num_value_heads"):
        heads, width = number(text, "linear_num_value_heads"), number(text, "linear_value_head_dim")
        key, value = number(text, "linear_num_key_heads") * number(text, "linear_key_head_dim"), heads * width
        kernel = number(text, "linear_conv_kernel_dim", otherwise=4)
        projections = hidden * (2 * key + 2 * value) + 2 * hidden * heads + value * hidden
        return projections + kernel * (2 * key + value) + 2 * heads + width
    heads = number(text, "mamba_n_heads", "mamba_num_heads")
    if heads:
        inner = heads * number(text, "mamba_d_head", "mamba_head_dim", otherwise=64)
        groups = number(text, "mamba_n_groups", "n_groups", otherwise=1)
        states = number(text, "mamba_d_state", "ssm_state_size", otherwise=128)
        return hidden * (2 * inner + 2 * groups * states + heads) + inner * hidden + inner + 3 * heads
    return 4 * hidden * hidden


def _attention(spec: ModelSpec, text: Mapping[str, Any]) -> int:
    """Weights of one attention block."""
    if spec.mla_kv_lora_rank:
        return _latent_attention(spec, text)
    query = spec.heads * spec.head_dim
    narrow = spec.kv_heads * spec.head_dim
    biases = query + 2 * narrow if text.get("attention_bias") or spec.model_type.startswith("qwen2") else 0
    head_norms = 2 * spec.head_dim if spec.model_type.startswith(("qwen3", "gemma3")) else 0
    gate = query * spec.hidden if text.get("attn_output_gate") or spec.model_type.startswith("qwen3_next") else 0
    return spec.hidden * (2 * query + 2 * narrow) + gate + biases + head_norms


def _latent_attention(spec: ModelSpec, text: Mapping[str, Any]) -> int:
    """Low-rank query and key-value projections (DeepSeek)."""
    rank, rope = spec.mla_kv_lora_rank or 0, spec.mla_rope_dim or 0
    nope, value_dim = spec.head_dim - rope, number(text, "v_head_dim", otherwise=spec.head_dim - rope)
    query_rank = number(text, "q_lora_rank")
    wide = spec.heads * spec.head_dim
    query = spec.hidden * query_rank + query_rank + query_rank * wide if query_rank else spec.hidden * wide
    latent = spec.hidden * (rank + rope) + rank + rank * spec.heads * (nope + value_dim)
    return query + latent + spec.heads * value_dim * spec.hidden


def _feed_forward(spec: ModelSpec, text: Mapping[str, Any]) -> tuple[int, int]:
    """Weights of the routed experts, and of all feed-forward blocks together."""
    dense = 3 * spec.hidden * spec.intermediate
    if not spec.experts:
        return 0, spec.layers * dense
    sparse = _sparse_layers(spec, text)
    expert = 3 * spec.hidden * spec.expert_intermediate
    routed = sparse * spec.experts * expert
    router = spec.hidden * spec.experts
    usual = spec.shared_experts * spec.expert_intermediate
    shared_width = number(text, "shared_expert_intermediate_size", otherwise=usual)
    shared = 3 * spec.hidden * shared_width + (spec.hidden if text.get("shared_expert_intermediate_size") else 0)
    return routed, routed + sparse * (router + shared) + (spec.layers - sparse) * dense


def _sparse_layers(spec: ModelSpec, text: Mapping[str, Any]) -> int:
    """Layers with experts: all behind the first dense ones, or every n-th."""
    step = number(text, "interleave_moe_layer_step", "decoder_sparse_step", otherwise=1)
    behind = spec.layers - spec.first_dense_layers - len(text.get("mlp_only_layers") or ())
    return max(behind, 0) // step


def _norms(spec: ModelSpec) -> int:
    """Norm weights of one layer: two of the hidden width, four in Gemma 2 and later."""
    return (4 if spec.model_type.startswith(("gemma2", "gemma3", "gemma4")) else 2) * spec.hidden
