"""Which types of KV cache vLLM's attention takes on a card, beside that of the model."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.engines.devices import at_least, has_fp8
from advisor.engines.vllm.consumed import known
from advisor.schema import Accelerator, ModelSpec


def takes_fp8_kv(cards: Sequence[Accelerator], model: ModelSpec) -> bool:
    """Whether an 8-bit cache of this model starts on all the cards: from 8.9 by any kernel, below by FlashInfer's."""
    if model.mla_kv_lora_rank:
        return False  # its caches have types of their own
    return all(has_fp8(card) or _by_flashinfer(card, model) for card in cards)


def only_flashinfer(cards: Sequence[Accelerator]) -> bool:
    """Whether a card among them has no other attention kernels that read an 8-bit cache."""
    return not all(has_fp8(card) for card in cards)


def _by_flashinfer(card: Accelerator, model: ModelSpec) -> bool:
    table = known()["fp8_kv_by_flashinfer"]
    sinks = model.layers_sliding and model.model_type in table["sinks_in_windows"]
    refused = sinks or model.model_type in table["refused_model_types"]
    return not refused and model.head_dim in table["head_dims"] and at_least(card, table["least_capability"])
