"""A Hugging Face config.json → ModelSpec."""

from __future__ import annotations

from typing import Any, Literal

from advisor.edge.bounds import check_bounds
from advisor.errors import BadInput
from advisor.models.config_format import declared_format
from advisor.models.config_layers import Layers, layer_kinds
from advisor.models.config_types import NESTED, Config, first_number
from advisor.models.count import Counts, estimate
from advisor.schema import ModelSpec
from advisor.wire import to_data

# Configs leave the key out where it equals the default of their class; these classes tie.
TIED_BY_DEFAULT = (
    "gemma", "cohere", "falcon", "gpt2", "opt", "bloom", "starcoder2", "bert", "lfm2", "modernbert",
    "xlm-roberta",
)  # fmt: skip


def language_part(config: Config) -> dict[str, Any]:
    """The language model's keys: a nested text config, with the outer ones where it has none."""
    inner = next((config[key] for key in NESTED if isinstance(config.get(key), dict)), None)
    if inner is None:
        return dict(config)
    outer = {key: item for key, item in config.items() if not isinstance(item, dict)}
    return {**outer, **language_part(inner)}


def spec_from_config(
    config: Config,
    *,
    hf_id: str,
    where: str,
    origin: Literal["folder", "hub"],
    counts: Counts | None = None,
    path: str | None = None,
    file_bytes: int | None = None,
) -> ModelSpec:
    """Read the dimensions; totals are `counts` where the weights were seen, else by formula.

    Raises:
        BadInput: a dimension is missing, or the quantisation is none that can be served.
    """
    text = language_part(config)
    layers = _integer(text, where, "num_hidden_layers", "n_layer", "num_layers", "n_layers")
    hidden = _integer(text, where, "hidden_size", "n_embd", "d_model")
    heads = _integer(text, where, "num_attention_heads", "n_head", "num_heads", "n_heads")
    context = _context(text)
    kinds = layer_kinds(text, layers, context)
    experts = first_number(text, "num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts") or 0
    spec = ModelSpec(
        hf_id=hf_id,
        family=str(config.get("model_type", "")),
        parameters=0,
        layers=layers,
        hidden=hidden,
        intermediate=_intermediate(text, hidden, experts),
        heads=heads,
        kv_heads=_kv_heads(text, heads),
        head_dim=_head_dim(text, hidden, heads),
        vocab=first_number(text, "vocab_size", "padded_vocab_size") or 0,
        tied_embeddings=_tied(config, text),
        context_trained=context,
        native_format=declared_format(config, where),
        architecture=str((config.get("architectures") or [""])[0]),
        model_type=str(config.get("model_type", "")),
        layers_full=kinds.full,
        layers_sliding=kinds.sliding,
        layers_linear=kinds.linear,
        sliding_window=kinds.window if kinds.sliding else None,
        mla_kv_lora_rank=first_number(text, "kv_lora_rank"),
        mla_rope_dim=first_number(text, "qk_rope_head_dim") if text.get("kv_lora_rank") else None,
        experts=experts,
        experts_per_token=_experts_per_token(text) if experts else 0,
        expert_intermediate=first_number(text, "moe_intermediate_size", "intermediate_size") or 0 if experts else 0,
        shared_experts=_shared(text) if experts else 0,
        first_dense_layers=first_number(text, "first_k_dense_replace", "num_dense_layers") or 0 if experts else 0,
        **_shared_kv(text, kinds, layers, (_kv_heads(text, heads), _head_dim(text, hidden, heads))),
        multimodal="vision_config" in config or "visual" in config or "audio_config" in config,
        tags=("chat",),
        origin=origin,
        path=path,
        file_bytes=file_bytes,
        confidence="high" if counts else "medium",
        source="config_json",
    )
    found = _with_counts(spec, counts or estimate(spec, text))
    check_bounds(to_data(found), where)
    return found


def _with_counts(spec: ModelSpec, counts: Counts) -> ModelSpec:
    from dataclasses import replace

    idle = round(counts.routed * (spec.experts - spec.experts_per_token) / spec.experts) if spec.experts else 0
    return replace(
        spec,
        parameters=counts.total,
        active_parameters=counts.total - idle if spec.experts else None,
        vision_parameters=counts.vision,
    )


def _integer(text: Config, where: str, *keys: str) -> int:
    found = first_number(text, *keys)
    if not found:
        raise BadInput(f"{where}: {keys[0]} is missing; without it neither memory nor speed can be computed")
    return found


def _context(text: Config) -> int:
    return (
        first_number(text, "max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx")
        or 2048
    )


def _intermediate(text: Config, hidden: int, experts: int) -> int:
    """Width of the dense feed-forward block; Llama 4 keeps it under a name of its own."""
    found = first_number(text, "intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size")
    return found if found is not None else 0 if experts else 4 * hidden


def _kv_heads(text: Config, heads: int) -> int:
    found = first_number(text, "num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
    if text.get("multi_query") and not text.get("new_decoder_architecture"):
        return 1
    return found or heads


def _head_dim(text: Config, hidden: int, heads: int) -> int:
    """Width of a query head: with latent attention its two parts together."""
    if text.get("kv_lora_rank"):
        parts = first_number(text, "qk_nope_head_dim") or 0, first_number(text, "qk_rope_head_dim") or 0
        return sum(parts) or hidden // heads
    return first_number(text, "head_dim", "attention_head_dim", "kv_channels") or hidden // heads


def _tied(config: Config, text: Config) -> bool:
    for part in (config, text):
        if isinstance(part.get("tie_word_embeddings"), bool):
            return bool(part["tie_word_embeddings"])
    return str(text.get("model_type", "")).startswith(TIED_BY_DEFAULT)


def _experts_per_token(text: Config) -> int:
    keys = (
        "num_experts_per_tok",
        "num_experts_per_token",
        "moe_topk",
        "moe_k",
        "experts_per_token",
        "top_k_experts",
    )
    return first_number(text, *keys) or 1


def _shared(text: Config) -> int:
    """Shared experts in units of the routed width, also where only their total width is given."""
    counted = first_number(text, "n_shared_experts", "num_shared_experts", "num_shared_expert")
    width = first_number(text, "shared_expert_intermediate_size", "shared_intermediate_size")
    each = first_number(text, "moe_intermediate_size")
    if counted is None and width and each:
        return -(-width // each)
    if counted is None and str(text.get("model_type", "")).startswith("llama4"):
        return 1
    return counted or 0


def _shared_kv(text: Config, kinds: Layers, layers: int, usual: tuple[int, int]) -> dict[str, Any]:
    """KV per token where layers reuse a cache (Gemma 3n, 4) or full ones have other heads (Gemma 4)."""
    reused = first_number(text, "num_kv_shared_layers") or 0
    wide = first_number(text, "global_head_dim")
    if not reused and not wide:
        return {}
    heads, width = usual
    full_heads = first_number(text, "num_global_key_value_heads") or heads
    listed = [str(kind) for kind in text.get("layer_types") or ()][: layers - reused]
    full = sum(kind == "full_attention" for kind in listed) if listed else kinds.full * (layers - reused) // layers
    sliding = layers - reused - full
    full_elements = full * 2 * full_heads * (wide or width)
    return {
        "kv_elements_per_token": full_elements + sliding * 2 * heads * width,
        "kv_elements_per_token_full": full_elements,
    }
