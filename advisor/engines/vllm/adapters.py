"""LoRA adapters on vLLM: the memory that is set aside for them, and how they are named."""

from __future__ import annotations

from advisor.engines.naming import slug
from advisor.engines.vllm.rows import flag
from advisor.models.adapter import RANKS
from advisor.schema import ModelSpec, Setting
from advisor.units import gib

SOURCE = "engines-vllm-lora"
ELEMENT_BYTES = 2


def rank_of(model: ModelSpec) -> int:
    """The --max-lora-rank that holds every adapter: the next one that vLLM has kernels for."""
    return next(rank for rank in RANKS if rank >= max(adapter.rank for adapter in model.adapters))


def adapter_bytes(model: ModelSpec) -> float:
    """Bytes of one rank of the model: vLLM sets both matrices aside for every linear layer that could have an adapter.

    They are counted whole on every card: of each pair tensor parallelism cuts only one.
    """
    if not model.adapters:
        return 0.0
    heads, cached = model.heads * model.head_dim, model.kv_heads * model.head_dim
    attention = (model.hidden + heads) * 2 + (model.hidden + cached) * 2
    dense = 3 * (model.hidden + model.intermediate)
    experts = 3 * (model.hidden + model.expert_intermediate) * (model.experts + model.shared_experts)
    each = attention + (experts if model.experts else dense)
    return float(model.layers * each * rank_of(model) * ELEMENT_BYTES * len(model.adapters))


def adapter_settings(model: ModelSpec) -> list[Setting]:
    """The flags that serve the adapters beside the base, each under its own name."""
    if not model.adapters:
        return []
    names = " ".join(f'"{slug(adapter.name)}"' for adapter in model.adapters)
    largest = max(adapter.rank for adapter in model.adapters)
    room = f"rank {largest} needs it: {gib(round(adapter_bytes(model)))} are set aside over all linear layers"
    asked = f"clients ask for the model {names}; what its products take is not counted in the prediction"
    return [
        flag("--enable-lora", None, f"{model.hf_id} with {len(model.adapters)} adapter", SOURCE),
        flag("--max-lora-rank", rank_of(model), room, SOURCE),
        flag("--lora-modules", " ".join(f"{slug(each.name)}={each.path}" for each in model.adapters), asked, SOURCE),
    ]
