"""How vLLM cuts its KV memory into blocks, and what it then logs as the number of tokens.

`X = blocks / Σ over groups of the blocks that one longest request needs`, `tokens = int(X × max_model_len)`.
Layers of different kinds are grouped so that every group fills blocks of one size
(vllm/v1/core/kv_cache_planning.py).
"""

from __future__ import annotations

from typing import NamedTuple

from advisor.catalog import constants
from advisor.physics.memory.blocks import attention_layers
from advisor.physics.memory.kv import declared_state_bytes, elements_per_token, per_layer_elements, shard_share
from advisor.physics.memory.shards import stage_layers
from advisor.schema import ModelSpec

MLA_BLOCK_TOKENS = 128
UNEQUAL = 1.5  # layer counts closer than this are padded to the larger instead of being split


class Kind(NamedTuple):
    """Layers that cache alike: bytes of one block of one layer, and the blocks one request can need."""

    layers: int
    page_bytes: float
    blocks: int


class Pool(NamedTuple):
    """The KV memory of a rank in blocks: all groups draw from the same pool."""

    block_bytes: float  # of one block over the layers that share it
    request_blocks: int  # one request of full context, all groups together

    def blocks(self, pool_bytes: float) -> int:
        """Whole blocks in that much memory."""
        return int(pool_bytes // self.block_bytes) if self.block_bytes else 0

    def sequences(self, pool_bytes: float) -> float:
        """How many requests of full context the pool holds: the concurrency vLLM logs."""
        return self.blocks(pool_bytes) / self.request_blocks if self.request_blocks else 0.0

    def tokens(self, pool_bytes: float, context_tokens: int) -> int:
        """The KV cache size in tokens, as vLLM logs it."""
        return int(self.sequences(pool_bytes) * context_tokens)

    def smallest_bytes(self) -> float:
        """What one request of full context needs; one block is never handed out."""
        return (self.request_blocks + 1) * self.block_bytes


def caching_layers(model: ModelSpec) -> tuple[int, int]:
    """(full, windowed) layers with a cache of their own: some models reuse the cache of earlier layers."""
    layers = attention_layers(model)
    windowed = model.layers_sliding if model.sliding_window else 0
    full = layers - windowed
    each = per_layer_elements(model)
    if not windowed or model.kv_elements_per_token is None or not each:
        return full, windowed
    own = round(elements_per_token(model).windowed / each)
    if 0 < own < windowed:
        return max(round(full * own / windowed), 1 if full else 0), own
    return full, windowed


def _attention_kinds(
    model: ModelSpec, context: int, batched: int, element_bytes: float, tensor_parallel: int, block: int
) -> list[Kind]:
    """Full and windowed layers, with pages unified: smaller ones take more tokens a block, or padding."""
    full, windowed = caching_layers(model)
    elements = elements_per_token(model)
    share = shard_share(model, tensor_parallel) * element_bytes
    per_token = {
        "full": elements.full / full * share if full else 0.0,
        "windowed": elements.windowed / windowed * share if windowed else 0.0,
    }
    page = block * max(per_token.values())
    kinds = []
    if full and per_token["full"]:
        tokens_a_block = _block_tokens(page, per_token["full"], block)
        kinds.append(Kind(full, page, -(-context // tokens_a_block)))
    if windowed and per_token["windowed"]:
        tokens_a_block = _block_tokens(page, per_token["windowed"], block)
        held = min((model.sliding_window or context) - 1 + batched, context)
        kinds.append(Kind(windowed, page, -(-held // tokens_a_block) + 1))
    return kinds


def _block_tokens(page_bytes: float, token_bytes: float, block: int) -> int:
    """Tokens in a block: more of them where a whole number of smaller blocks fills the common page."""
    ratio = page_bytes / (block * token_bytes)
    return block * int(ratio) if ratio == int(ratio) else block


def _with_state(model: ModelSpec, kinds: list[Kind], context: int, tensor_parallel: int, block: int) -> list[Kind]:
    """Add linear layers: attention blocks grow until a page holds one layer's state."""
    state = declared_state_bytes(model) / tensor_parallel
    pages = constants("memory")["vllm"]["state_pages_per_sequence"]
    if not kinds:
        return [Kind(model.layers_linear, state, pages)]
    largest = max(kind.page_bytes for kind in kinds)
    growth = max(-(-state // largest), 1)
    if model.mla_kv_lora_rank:  # its decode kernels want whole multiples of 128 tokens
        growth = -(-growth * block // MLA_BLOCK_TOKENS) * MLA_BLOCK_TOKENS // block
    grown = [Kind(kind.layers, kind.page_bytes * growth, -(-context // (block * int(growth)))) for kind in kinds]
    return [*grown, Kind(model.layers_linear, largest * growth, pages)]


def pool(
    model: ModelSpec,
    *,
    context_tokens: int,
    batched_tokens: int,
    element_bytes: float,
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    part: float | None = None,
    block_tokens: int,
) -> Pool:
    """Blocks of one rank for requests of up to `context_tokens`; `part` of all layers is in its stage."""
    kinds = _attention_kinds(model, context_tokens, batched_tokens, element_bytes, tensor_parallel, block_tokens)
    if model.layers_linear:
        kinds = _with_state(model, kinds, context_tokens, tensor_parallel, block_tokens)
    if not kinds:
        return Pool(0.0, 0)
    fewest, most = min(kind.layers for kind in kinds), max(kind.layers for kind in kinds)
    size = most if most < fewest * UNEQUAL else fewest
    blocks = sum(-(-kind.layers // size) * kind.blocks for kind in kinds)
    return Pool(stage_layers(size, pipeline_parallel, part) * kinds[0].page_bytes, blocks)
