"""A model's weights as groups of like tensors, derived from its config so that they add up to its parameters.

What the config does not tell (latent projections, Mamba and DeltaNet layers, per-layer embeddings) is the
difference to the exact total. See refresh/sources/models.md for the formulas.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from advisor.physics.memo import by_identity
from advisor.physics.memory.blocks import blocks as blocks
from advisor.physics.memory.blocks import expert_elements, matrices
from advisor.schema import ModelSpec, value

Role = Literal[
    "embedding", "lookup", "head", "q", "k", "v", "o", "qkv", "latent", "linear", "gate", "up", "down",
    "expert_gate", "expert_up", "expert_down", "shared_gate", "shared_up", "shared_down",
    "router", "vision", "norm",
]  # fmt: skip

# Full-attention layers whose query projection is doubled by an output gate (Qwen3-Next and its successors).
GATED_QUERY = ("qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text", "qwen4_exp")
# Every layer looks up an embedding of its own, this wide (Gemma 3n, the E models of Gemma 4).
PER_LAYER_EMBEDDINGS = ("gemma3n", "gemma3n_text", "gemma4", "gemma4_text")
PER_LAYER_WIDTH = 256
LEARNED_POSITIONS = ("bert", "xlm-roberta", "gpt2", "opt")
# Query, key and value projections in one tensor.
FUSED_QKV = ("phi3", "phi", "falcon", "gpt2", "gpt_neox", "dbrx", "phi4mm")
# Parts whose size a config or the active parameters tell exactly.
CERTAIN: tuple[Role, ...] = (
    "embedding",
    "head",
    "vision",
    "router",
    "expert_gate",
    "expert_up",
    "expert_down",
)
SMALL_LEFTOVER = 0.02  # of all parameters; what biases and norms stay below
LATENT_HEAD_DIM = 128  # of MLA's keys without position and of its values, where a difference cannot tell


@value
class TensorGroup:
    """Like tensors of several layers: `inputs` is the row length, `elements` counts all of them together."""

    role: Role
    elements: int
    inputs: int
    layers: int = 1
    first_layer: int = 0


def _attention(model: ModelSpec) -> list[TensorGroup]:
    """Query, key, value and output projections of the softmax layers."""
    layers, hidden = blocks(model).attention, model.hidden
    wide, narrow = model.heads * model.head_dim, model.kv_heads * model.head_dim
    if model.mla_kv_lora_rank:
        if not model.layers_linear:
            return []  # by difference
        rank, rope, inner = model.mla_kv_lora_rank, model.mla_rope_dim or 0, model.heads * LATENT_HEAD_DIM
        each = hidden * (rank + rope) + 2 * rank * inner + inner * hidden + hidden * (inner + model.heads * rope)
        return [TensorGroup(role="latent", elements=layers * each, inputs=hidden, layers=layers)]
    query = 2 * wide if model.model_type in GATED_QUERY else wide
    out = TensorGroup(role="o", elements=layers * hidden * wide, inputs=wide, layers=layers)
    if model.model_type in FUSED_QKV:
        fused = layers * hidden * (query + 2 * narrow)
        return [TensorGroup(role="qkv", elements=fused, inputs=hidden, layers=layers), out]
    return [
        TensorGroup(role="q", elements=layers * hidden * query, inputs=hidden, layers=layers),
        TensorGroup(role="k", elements=layers * hidden * narrow, inputs=hidden, layers=layers),
        TensorGroup(role="v", elements=layers * hidden * narrow, inputs=hidden, layers=layers),
        out,
    ]


def _feed_forward(
    prefix: str, elements: int, model: ModelSpec, inner: int, layers: int, first: int
) -> list[TensorGroup]:
    """A block's weights over its matrices; only the last one has rows as long as the inner size."""
    if elements <= 0 or layers <= 0:
        return []
    parts = ("gate", "up", "down")[3 - matrices(model) :]
    share, rest = divmod(elements, len(parts))
    return [
        TensorGroup(
            role=f"{prefix}{part}",  # type: ignore[arg-type]
            elements=share + (rest if part == "down" else 0),
            inputs=(inner or model.hidden) if part == "down" else model.hidden,
            layers=layers,
            first_layer=first,
        )
        for part in parts
    ]


def _known(model: ModelSpec) -> list[TensorGroup]:
    """Everything that the config gives by formula."""
    count, hidden = blocks(model), model.hidden
    groups = [TensorGroup(role="embedding", elements=model.vocab * hidden, inputs=hidden)]
    if not model.tied_embeddings:
        groups.append(TensorGroup(role="head", elements=model.vocab * hidden, inputs=hidden))
    groups += _attention(model)
    dense = count.dense * matrices(model) * hidden * model.intermediate
    groups += _feed_forward("", dense, model, model.intermediate, count.dense, 0)
    if count.sparse:
        inner = model.expert_intermediate
        shared = count.sparse * model.shared_experts * matrices(model) * hidden * inner
        groups += _feed_forward("expert_", expert_elements(model), model, inner, count.sparse, count.dense)
        groups += _feed_forward("shared_", shared, model, inner * model.shared_experts, count.sparse, count.dense)
        groups.append(
            TensorGroup(
                role="router",
                elements=count.sparse * hidden * model.experts,
                inputs=hidden,
                layers=count.sparse,
            )
        )
    if model.vision_parameters:
        groups.append(TensorGroup(role="vision", elements=model.vision_parameters, inputs=hidden))
    return groups


def _lookups(model: ModelSpec, at_most: int) -> list[TensorGroup]:
    """Tables of which a token reads one row beside the input embedding: positions, single layers' own."""
    if model.model_type in PER_LAYER_EMBEDDINGS:
        rows, width = model.vocab, model.layers * PER_LAYER_WIDTH
    elif model.model_type in LEARNED_POSITIONS:
        rows, width = model.context_trained, model.hidden
    else:
        return []
    if rows * width > at_most:
        return []
    return [TensorGroup(role="lookup", elements=rows * width, inputs=width)]


def _leftover(model: ModelSpec, elements: int) -> list[TensorGroup]:
    """Give what the formulas did not explain to the part of the model that the config does not describe."""
    count, hidden = blocks(model), model.hidden
    groups = _lookups(model, elements)
    elements -= sum(group.elements for group in groups)
    norms = min(elements, (2 * model.layers + 1) * hidden)
    rest, layers = elements - norms, model.layers
    role: Role = "norm"
    if count.linear:
        layers, role = count.linear, "linear"
    elif model.mla_kv_lora_rank:
        layers, role = count.attention, "latent"
    elif rest > SMALL_LEFTOVER * model.parameters:
        role = "vision" if model.multimodal else "linear"
    if role == "norm" or not rest:
        return [*groups, TensorGroup(role="norm", elements=elements, inputs=hidden)]
    groups.append(TensorGroup(role=role, elements=rest, inputs=hidden, layers=layers))
    return [*groups, TensorGroup(role="norm", elements=norms, inputs=hidden)]


def _shrunk(groups: list[TensorGroup], parameters: int) -> list[TensorGroup]:
    """Scale down the uncertain groups of a config that overshoots its total (unequal layers, say)."""
    for certain in (CERTAIN, ("embedding",), ()):
        fixed = sum(group.elements for group in groups if group.role in certain)
        total = sum(group.elements for group in groups)
        if fixed <= parameters and fixed < total:
            scale = (parameters - fixed) / (total - fixed)
            scaled = [
                group if group.role in certain else replace(group, elements=int(group.elements * scale))
                for group in groups
            ]
            rest = parameters - sum(group.elements for group in scaled)
            return [*scaled, TensorGroup(role="norm", elements=rest, inputs=groups[0].inputs)]
    return [TensorGroup(role="linear", elements=parameters, inputs=max(groups[0].inputs, 1))]


@by_identity
def tensor_groups(model: ModelSpec) -> tuple[TensorGroup, ...]:
    """All weights of a model; the elements add up to `model.parameters` exactly."""
    groups = _known(model)
    left = model.parameters - sum(group.elements for group in groups)
    if left < 0:
        return tuple(_shrunk(groups, model.parameters))
    return tuple(groups + (_leftover(model, left) if left else []))
