"""Which block type llama.cpp's quantiser gives each tensor of a GGUF file, by format name, tensor and layer.

Facts of `llama_tensor_get_type` (llama.cpp, src/llama-quant.cpp): mixes protect the output, the values and
the second feed-forward matrix in some layers; rows that are no multiple of 256 fall back to blocks of 32.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants
from advisor.catalog.entries import WeightsFormat
from advisor.physics.memory.layout import TensorGroup
from advisor.schema import ModelSpec

# Bytes and elements of one block.
BLOCK_TYPES: dict[str, tuple[int, int]] = {
    "f32": (4, 1), "f16": (2, 1), "bf16": (2, 1),
    "q8_0": (34, 32), "q5_1": (24, 32), "q5_0": (22, 32), "q4_1": (20, 32), "q4_0": (18, 32),
    "iq4_nl": (18, 32),
    "mxfp4": (17, 32), "none": (0, 1),
    "q6_K": (210, 256), "q5_K": (176, 256), "q4_K": (144, 256), "q3_K": (110, 256), "q2_K": (84, 256),
    "iq4_xs": (136, 256), "iq3_s": (110, 256), "iq3_xxs": (98, 256), "iq2_s": (82, 256), "iq2_xxs": (66, 256),
}  # fmt: skip
# What a type becomes when rows are no multiple of 256.
FALLBACK = {
    "q6_K": "q8_0", "q5_K": "q5_1", "q4_K": "q5_0", "q3_K": "q4_0", "q2_K": "q4_0",
    "iq4_xs": "iq4_nl", "iq3_s": "iq4_nl", "iq3_xxs": "iq4_nl", "iq2_s": "iq4_nl", "iq2_xxs": "iq4_nl",
}  # fmt: skip
# Format name → the type of every tensor that no rule below changes.
BASE = {
    "f16": "f16", "bf16-gguf": "bf16", "q8_0": "q8_0", "q6_K": "q6_K",
    "q5_K_M": "q5_K", "q5_K_S": "q5_K", "q5_0": "q5_0", "q5_1": "q5_1",
    "q4_K_M": "q4_K", "q4_K_S": "q4_K", "q4_0": "q4_0", "q4_1": "q4_1",
    "iq4_xs": "iq4_xs", "iq4_nl": "iq4_nl",
    "q3_K_L": "q3_K", "q3_K_M": "q3_K", "q3_K_S": "q3_K", "q2_K": "q2_K",
}  # fmt: skip
# Fused query, key and value projections.
FUSED = {"q5_K_M": "q6_K", "q4_K_M": "q5_K", "q3_K_L": "q4_K", "q3_K_M": "q4_K"}
# Never quantised: the projector is a file of its own; routers, norms and look-up tables stay as they are.
KEPT: dict[str, str] = {"norm": "f32", "router": "f32", "vision": "f16", "lookup": "f16"}
BY_LAYER = ("v", "down", "expert_down", "shared_down")  # the types of these change from layer to layer
HEAD_COPIED = ("falcon",)  # the converter writes the tied head as a tensor of its own
UNTOUCHED = ("f16", "bf16-gguf")  # converted, not quantised
EIGHT_EXPERTS = 8  # Mixtral: its small attention matrices are kept at 8 bit
LAYERS_OF_70B = 80
SHARED_VALUES = 4  # query heads per value head from which the values are cheap to keep


def more_bits(layer: int, layers: int) -> bool:
    """Whether a layer gets a wider type: those of the first and last eighth, and every third between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def _output_type(model: ModelSpec, base: str, inputs: int) -> str:
    """Type of the output head, and of the input embedding when it is the head too."""
    if base == "q8_0" or model.model_type == "falcon" or inputs % BLOCK_TYPES[base][1]:
        return "q8_0"
    return "q6_K"


def _values_type(model: ModelSpec, name: str, base: str, layer: int, layers: int) -> str:
    """Type of the value projection (or of the fused one)."""
    chosen = base
    shared = model.heads // max(model.kv_heads, 1) >= SHARED_VALUES
    if name == "q2_K":
        chosen = "q4_K" if shared else "q3_K"
    elif name == "q3_K_M":
        chosen = "q5_K" if layer < 2 else "q4_K"
    elif name == "q3_K_L" or (name == "q4_K_S" and layer < 4) or (name in ("iq4_xs", "iq4_nl") and shared):
        chosen = "q5_K"
    elif name in ("q4_K_M", "q5_K_M") and more_bits(layer, layers):
        chosen = "q6_K"
    if model.layers == LAYERS_OF_70B and chosen in ("q3_K", "q4_K"):
        chosen = "q5_K"
    return "q8_0" if model.experts == EIGHT_EXPERTS else chosen


def _down_type(model: ModelSpec, name: str, base: str, layer: int, layers: int) -> str:
    """Type of the second feed-forward matrix."""
    falcon = model.model_type == "falcon"
    wide = more_bits(layer, layers)
    if name == "q2_K":
        return "q3_K"
    if name == "q3_K_M":
        return "q5_K" if layer < layers // 16 else "q4_K" if not falcon or wide else "q3_K"
    if name == "q3_K_L":
        return "q4_K" if falcon else "q5_K"
    if name == "q4_K_M" and falcon:
        return "q6_K" if layer < layers // 16 else "q5_K" if wide else "q4_K"
    if name in ("q4_K_M", "q5_K_M"):
        return "q6_K" if wide else base
    if name in ("q4_K_S", "iq4_xs", "iq4_nl") and not falcon and layer < layers // 8:
        return "q5_K"
    return base


def _down_index(model: ModelSpec, name: str, group: TensorGroup, layer: int) -> int:
    """The number that stands for the layer: its place, or a count of tensors that runs ahead of it."""
    if library_build(model, name).get("counts_shared_down") and group.role != "down":
        return group.first_layer + 2 * layer + (group.role == "shared_down")
    return group.first_layer + layer


def _joined_type(model: ModelSpec, name: str, base: str) -> str:
    """Type of the projection behind the attention."""
    if model.model_type == "falcon":
        return "q4_K" if name == "q3_K_L" else base
    if model.experts == EIGHT_EXPERTS:
        keeps = ("q2_K", "q3_K_S", "q3_K_M", "iq4_nl", "q4_K_S", "q4_K_M", "iq4_xs")
        return "q5_K" if name in keeps else base
    return {"q2_K": "q3_K", "q3_K_M": "q4_K", "q3_K_L": "q5_K"}.get(name, base)


def mixed_type(model: ModelSpec, name: str, group: TensorGroup, layer: int) -> str:
    """What the quantiser chooses for a tensor before it looks at row lengths."""
    base, role = BASE[name], group.role
    if name in UNTOUCHED:
        return base
    if role == "head" or (role == "embedding" and model.tied_embeddings and not has_own_head(model, name)):
        return _output_type(model, base, group.inputs)
    if role == "v":
        return _values_type(model, name, base, layer, group.layers)
    if role == "k" and model.experts == EIGHT_EXPERTS:
        return "q8_0"
    if role.endswith("down"):
        return _down_type(model, name, base, _down_index(model, name, group, layer), model.layers)
    if role == "qkv":
        return FUSED.get(name, base)
    if role == "o":
        return _joined_type(model, name, base)
    return base


def fitted(chosen: str, inputs: int) -> str:
    """The type itself, or what replaces it when rows of that length do not divide into its blocks."""
    if inputs % BLOCK_TYPES[chosen][1] == 0:
        return chosen
    chosen = FALLBACK.get(chosen, "f16")
    return chosen if inputs % BLOCK_TYPES[chosen][1] == 0 else "f16"


def tensor_type(model: ModelSpec, name: str, group: TensorGroup, layer: int) -> str:
    """The block type of one tensor: `layer` counts within the group, from its first layer."""
    chosen = fixed_type(model, name, group)
    return fitted(chosen or mixed_type(model, name, group, layer), group.inputs)


def fixed_type(model: ModelSpec, name: str, group: TensorGroup) -> str | None:
    """The type of tensors that no mix decides: kept as they are, or known of the library's file."""
    types: Mapping[str, str] = library_build(model, name).get("types", {})
    return types.get(group.role) or KEPT.get(group.role)


def library_build(model: ModelSpec, name: str) -> Mapping[str, Any]:
    """How the Ollama library's own file of that model differs from the standard mix, if it does."""
    return _library_builds().get((model.hf_id, name), {})


@functools.cache
def _library_builds() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(model, format) → entry of data/memory.yaml."""
    builds = constants("memory")["library_builds"]
    return {(model, build["format"]): build for build in builds for model in build["models"]}


def has_own_head(model: ModelSpec, name: str) -> bool:
    """Whether the file holds the tied embedding twice: once to look up, once as the output head."""
    return model.model_type in HEAD_COPIED or bool(library_build(model, name).get("own_head"))


def group_bytes(model: ModelSpec, fmt: WeightsFormat, group: TensorGroup) -> float:
    """Bytes of all tensors of a group in a GGUF file of that format."""
    if fmt.name not in BASE:
        return group.elements * _stated_bits(model, fmt, group) / 8
    fixed = fixed_type(model, fmt.name, group)
    varying = fixed is None and group.role in BY_LAYER
    if varying:
        types = [fitted(mixed_type(model, fmt.name, group, layer), group.inputs) for layer in range(group.layers)]
    else:
        types = [tensor_type(model, fmt.name, group, 0)]
    mean = sum(BLOCK_TYPES[name][0] / BLOCK_TYPES[name][1] for name in types) / len(types)
    return group.elements * mean


def copied_head_bytes(model: ModelSpec, fmt: WeightsFormat) -> float:
    """Bytes of the second copy of a tied embedding, where the file has one."""
    if not model.tied_embeddings or fmt.name not in BASE or not has_own_head(model, fmt.name):
        return 0.0
    copy = TensorGroup(role="head", elements=model.vocab * model.hidden, inputs=model.hidden)
    return group_bytes(model, fmt, copy)


def _stated_bits(model: ModelSpec, fmt: WeightsFormat, group: TensorGroup) -> float:
    """Bits of a tensor in a mix that no rule here describes: what data/formats.yaml states."""
    if group.role in KEPT:
        size, elements = BLOCK_TYPES[KEPT[group.role]]
        return 8 * size / elements
    if group.role == "head" or (group.role == "embedding" and model.tied_embeddings):
        return fmt.head_bits
    if group.role == "embedding":
        return fmt.embedding_bits
    if fmt.dense_bits is not None and not group.role.startswith("expert_"):
        return fmt.dense_bits
    return fmt.linear_bits
