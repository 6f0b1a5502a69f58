"""What llama-server allocates for a model and its slots, before anything is placed on a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.catalog import constants, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.physics.memo import by_identity
from advisor.physics.memory.blocks import matrices
from advisor.physics.memory.formula import formula_bytes, group_bytes
from advisor.physics.memory.gguf_mix import copied_head_bytes
from advisor.physics.memory.kv import bytes_per_element, elements_per_token, state_bytes
from advisor.physics.memory.layout import tensor_groups
from advisor.physics.memory.weights import weight_bytes
from advisor.schema import Candidate, ModelSpec

FLOAT_BYTES = 4  # llama.cpp computes in 32 bit
HIDDEN_COPIES = 4  # hidden states alive while a layer is computed
INPUT_COPIES = 4  # of the inputs, where the layers of several cards work on different batches


class Sizes(NamedTuple):
    """Bytes of a model's parts and of its slots."""

    embedding: float  # looked up on the host
    layers: float  # all repeating layers
    head: float  # output head, also when it is a copy of the tied embedding
    projector: float  # vision tower
    kv: float  # all slots, all layers
    layer_buffer: float  # compute buffer of a device that holds layers
    head_buffer: float  # compute buffer of the device that also holds the head


def known() -> Mapping[str, Any]:
    """The constants of this engine."""
    constants_of_ollama: Mapping[str, Any] = constants("memory")["ollama"]
    return constants_of_ollama


def padded(tokens: int) -> int:
    """Cells of a cache for that many tokens."""
    step = int(known()["cell_padding_tokens"])
    return -(-tokens // step) * step


def slot_bytes(candidate: Candidate, model: ModelSpec) -> float:
    """KV cache and fixed state of one slot at the full context, over all layers."""
    element = bytes_per_element(candidate.kv_cache_dtype, weights_format(candidate.weights_format))
    full, windowed = elements_per_token(model)
    cells = held = padded(candidate.context_tokens)
    if model.sliding_window and model.model_type not in known()["whole_context_families"]:
        held = min(cells, padded(model.sliding_window + candidate.max_batched_tokens))
    return (full * cells + windowed * held) * element + state_bytes(model)


class Parts(NamedTuple):
    """Bytes of a model's weights by the place where llama-server puts them."""

    embedding: float
    layers: float
    head: float
    projector: float


@by_identity
def parts_of(model: ModelSpec, fmt: WeightsFormat) -> Parts:
    """The weights in that format, divided by place."""
    scale = weight_bytes(model, fmt).total_bytes / formula_bytes(model, fmt).total_bytes
    parts = {"embedding": 0.0, "lookup": 0.0, "vision": 0.0, "head": copied_head_bytes(model, fmt)}
    layers = 0.0
    for group in tensor_groups(model):
        size = group_bytes(model, fmt, group) * scale
        if group.role in parts:
            parts[group.role] += size
        else:
            layers += size
    return Parts(
        embedding=parts["embedding"] + parts["lookup"],
        layers=layers,
        head=parts["head"] or parts["embedding"],
        projector=parts["vision"],
    )


def sizes(candidate: Candidate, model: ModelSpec) -> Sizes:
    """All parts of the model in the candidate's format, with the caches of all its slots."""
    parts = parts_of(model, weights_format(candidate.weights_format))
    layer_buffer, head_buffer = buffers(candidate, model)
    return Sizes(
        *parts,
        kv=slot_bytes(candidate, model) * candidate.max_in_flight,
        layer_buffer=layer_buffer,
        head_buffer=head_buffer,
    )


def buffers(candidate: Candidate, model: ModelSpec) -> tuple[float, float]:
    """Compute buffers of a batch with flash attention: of a device with layers only, and with the head."""
    tokens = candidate.max_batched_tokens
    inner = max(model.intermediate, model.experts_per_token * model.expert_intermediate)
    mask = padded(candidate.context_tokens) * tokens * FLOAT_BYTES
    if len(candidate.gpu_indices) > 1:
        mask *= INPUT_COPIES
    layer = tokens * (matrices(model) * inner + HIDDEN_COPIES * model.hidden) * FLOAT_BYTES
    head = tokens * (model.vocab + model.hidden) * FLOAT_BYTES
    return layer + mask, max(layer, head) + mask
