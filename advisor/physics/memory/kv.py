"""Bytes of KV cache: the slope per token by attention type, what a window caps, the state of linear layers.

`kv(tokens) = full × tokens + sliding × min(tokens, window)`; see refresh/sources/models.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.catalog import constants
from advisor.catalog.entries import WeightsFormat
from advisor.physics.memo import by_identity
from advisor.physics.memory.blocks import attention_layers
from advisor.physics.memory.layout import tensor_groups
from advisor.schema import ModelSpec

# llama.cpp's cache types: bytes of a block of 32 elements, scales included.
BLOCK_BYTES_OF_32 = {"q8_0": 34, "q5_1": 24, "q5_0": 22, "q4_1": 20, "q4_0": 18, "iq4_nl": 18}
FULL_STATE_BYTES = 4
CONVOLUTION_BYTES = 2  # of one element of a short convolution's state
LINEAR_HEAD_DIM = 128  # of linear attention: its width is a whole number of heads
# vLLM's packed types: bytes of one element with its scales, at heads of 128.
PACKED_BYTES = {
    "nvfp4": 0.5 + 1 / 16,
    "nvfp4_4over6": 0.5 + 1 / 16,
    "int4_per_token_head": 0.5 + 4 / 128,
    "int8_per_token_head": 1.0 + 4 / 128,
    "fp8_per_token_head": 1.0 + 4 / 128,
}


class CachedElements(NamedTuple):
    """Elements that one token adds to the cache, over all layers."""

    full: float  # layers that keep the whole context
    windowed: float  # layers that forget what is behind their window


def per_layer_elements(model: ModelSpec) -> float:
    """Cached elements of one token in one layer: keys and values, or MLA's latent with its rotary part."""
    if model.mla_kv_lora_rank:
        return float(model.mla_kv_lora_rank + (model.mla_rope_dim or 0))
    return 2.0 * model.kv_heads * model.head_dim


@by_identity
def elements_per_token(model: ModelSpec) -> CachedElements:
    """What one token adds; figures of the source beat the formula (shared KV, wider global heads)."""
    layers = attention_layers(model)
    if model.kv_elements_per_token is None:
        everything = per_layer_elements(model) * layers
    else:
        everything = float(model.kv_elements_per_token)
    if not model.sliding_window or not layers:
        return CachedElements(everything, 0.0)
    full = everything * (layers - model.layers_sliding) / layers
    if model.kv_elements_per_token_full is not None:
        full = float(model.kv_elements_per_token_full)
    return CachedElements(full, everything - full)


def shard_share(model: ModelSpec, tensor_parallel: int) -> float:
    """Part of the cache on one rank: heads are split, then replicated; MLA's latent is on each."""
    if model.mla_kv_lora_rank or model.kv_heads <= 0:
        return 1.0
    return -(-model.kv_heads // tensor_parallel) / model.kv_heads


def kv_bytes_per_token(model: ModelSpec, bytes_per_element: float) -> float:
    """Slope below every window, all ranks together, in bytes."""
    return sum(elements_per_token(model)) * bytes_per_element


def kv_bytes(model: ModelSpec, tokens: float, bytes_per_element: float, *, tensor_parallel: int = 1) -> float:
    """Bytes of one sequence of `tokens` tokens on one rank, over all layers, without fixed state."""
    full, windowed = elements_per_token(model)
    elements = full * tokens + windowed * min(tokens, model.sliding_window or tokens)
    return elements * bytes_per_element * shard_share(model, tensor_parallel)


def bytes_per_element(kv_cache_dtype: str, weights_format: WeightsFormat) -> float:
    """Bytes of one cached element, scales included; "auto" follows the model's own precision."""
    name = kv_cache_dtype.lower()
    if name in BLOCK_BYTES_OF_32:
        return BLOCK_BYTES_OF_32[name] / 32
    if name in PACKED_BYTES:
        return PACKED_BYTES[name]
    if name in ("f32", "fp32", "float32") or (name == "auto" and weights_format.compute == "fp32"):
        return 4.0
    return 1.0 if name.startswith("fp8") else 2.0


@by_identity
def linear_channels(model: ModelSpec) -> float:
    """Inner width of one linear, Mamba or convolution layer: as the configs say, else derived from its weights."""
    shape = _linear_shape(model)
    known = shape.get("channels", {}).get(model.hidden) or shape.get("expand", 0) * model.hidden
    if known:
        return float(known)
    weights = sum(group.elements for group in tensor_groups(model) if group.role == "linear")
    rows = weights / model.layers_linear / model.hidden  # what one unit of hidden size is multiplied with
    channels = max((rows - 2 * shape["key_channels"]) / shape["matrices"], 0.0)
    heads = round(channels / LINEAR_HEAD_DIM)  # gates and convolutions are in the remainder
    return float(heads * LINEAR_HEAD_DIM or model.hidden)


def _linear_shape(model: ModelSpec) -> Mapping[str, Any]:
    shapes: Mapping[str, Mapping[str, Any]] = constants("memory")["linear_layers"]
    return shapes.get(model.model_type, shapes["default"])


def scratch_channels(model: ModelSpec) -> float:
    """Width of layers whose prefill takes memory that no profile sees (gated delta rule); 0: there are none."""
    return linear_channels(model) if model.layers_linear and _linear_shape(model).get("scratch") else 0.0


def layer_state_bytes(model: ModelSpec, recurrent_bytes: int = FULL_STATE_BYTES) -> float:
    """Fixed state of one linear, Mamba or convolution layer for one sequence, in bytes.

    `recurrent_bytes` is the width of a recurrent element: 32 bit unless the engine keeps it narrower.
    """
    if not model.layers_linear:
        return 0.0
    shape, channels = _linear_shape(model), linear_channels(model)
    convolved = (channels + 2 * shape["key_channels"]) * shape["convolution"]
    return float(channels * shape["state"] * recurrent_bytes + convolved * CONVOLUTION_BYTES)


@by_identity
def declared_state_bytes(model: ModelSpec) -> float:
    """The same with recurrent elements as wide as the model's config asks: 16 bit, or 32 for those that lose by it."""
    return layer_state_bytes(model, int(_linear_shape(model)["element"]))


@by_identity
def state_bytes(model: ModelSpec) -> float:
    """Fixed per-sequence state of all linear and Mamba layers, all ranks together, in bytes."""
    return model.layers_linear * layer_state_bytes(model)
