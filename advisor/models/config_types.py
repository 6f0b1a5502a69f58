"""What a key of config.json may hold: looked at once, so that whoever reads it finds a value of its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.models.elsewhere import refuse_by_architecture

Config = Mapping[str, Any]

MOST_LAYERS, MOST = 10_000, 100_000_000
NESTED = ("text_config", "llm_config", "language_config", "thinker_config")  # where the language model's keys stand
MAPPINGS = (*NESTED, "quantization_config", "linear_attn_config", "config_groups", "weights")
LISTS = (
    "architectures", "full_attn_idxs", "attn_layer_indices", "cross_attention_layers", "mlp_only_layers",
    "full_attn_layers", "ignore",
)  # fmt: skip
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
NUMBERS = (
    *LAYERS, "hidden_size", "n_embd", "d_model", "num_attention_heads", "n_head", "num_heads", "n_heads", "num_experts",
    "n_routed_experts", "num_local_experts", "moe_num_experts", "vocab_size", "padded_vocab_size", "kv_lora_rank",
    "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim", "q_lora_rank", "moe_intermediate_size", "intermediate_size",
    "intermediate_size_mlp", "n_inner", "ffn_dim", "ffn_hidden_size", "first_k_dense_replace", "num_dense_layers",
    "max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx", "num_key_value_heads",
    "num_kv_heads", "n_head_kv", "multi_query_group_num", "head_dim", "attention_head_dim", "kv_channels",
    "num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "experts_per_token", "top_k_experts",
    "n_shared_experts", "num_shared_experts", "num_shared_expert", "shared_expert_intermediate_size",
    "shared_intermediate_size", "num_kv_shared_layers", "global_head_dim", "num_global_key_value_heads",
    "sliding_window", "attention_chunk_size", "sliding_window_size", "no_rope_layer_interval",
    "full_attention_interval", "attn_layer_period", "max_window_layers", "linear_num_value_heads",
    "linear_value_head_dim", "linear_num_key_heads", "linear_key_head_dim", "linear_conv_kernel_dim", "mamba_n_heads",
    "mamba_num_heads", "mamba_d_head", "mamba_head_dim", "mamba_n_groups", "n_groups", "mamba_d_state",
    "ssm_state_size", "interleave_moe_layer_step", "decoder_sparse_step", "bits", "w_bit", "num_bits",
)  # fmt: skip


def checked(config: Any, where: str) -> dict[str, Any]:
    """A config whose mappings, lists and numbers are of their types and within their bounds; null stands for missing.

    Raises:
        BadInput: file, key, what was seen and what is accepted; or the model does something else than write.
    """
    for key, item in config.items():
        if item is None:
            continue
        if key in MAPPINGS:
            _require(isinstance(item, dict), f"{where}: {key}", item, "a mapping")
            checked(item, f"{where}: {key}")
        elif key in LISTS:
            _require(isinstance(item, list), f"{where}: {key}", item, "a list")
            if key == "architectures":
                refuse_by_architecture(map(str, item), where)
        elif key in NUMBERS:
            most = MOST_LAYERS if key in LAYERS else MOST
            each = item if isinstance(item, list) else [item]
            fitting = all(one is None or (isinstance(one, int | float) and 0 <= one <= most) for one in each)
            _require(fitting, f"{where}: {key}", item, f"a whole number from 0 to {most:,}")
    for name, group in (config.get("config_groups") or {}).items():
        _require(isinstance(group, dict), f"{where}: config_groups: {shown(name)}", group, "a mapping")
        checked(group, f"{where}: config_groups: {shown(name)}")
    return dict(config)


def _require(right: bool, where: str, item: object, accepted: str) -> None:
    if not right:
        raise BadInput(f"{where}: is not {accepted}; saw {shown(item)}")


def first_number(text: Config, *keys: str) -> int | None:
    """The first of the keys that holds a number (some hold one per layer: the largest counts)."""
    for key in keys:
        found = text.get(key)
        if isinstance(found, list) and found and all(isinstance(one, int) for one in found):
            return int(max(found))
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return int(found)
    return None


def number(text: Config, *keys: str, otherwise: int = 0) -> int:
    """The first of the keys that holds a number other than zero."""
    return next((found for key in keys if (found := first_number(text, key))), otherwise)
