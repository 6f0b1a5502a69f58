"""Attention layers by kind, and KV elements per token where the table differs from the plain formula."""

from __future__ import annotations

from typing import Any

from advisor.refresh.table import Row, integer

# Gemma 4 12B: the table gives the layer pattern but no KV size. Its siblings (26B-A4B, 31B) keep a quarter of
# the KV heads, 512 wide, in the layers that see the whole context.
BY_ANALOGY = {"google/gemma-4-12B-it": (8 * 2 * 2 * 512 + 40 * 2 * 8 * 256, 8 * 2 * 2 * 512)}


def layers(row: Row) -> dict[str, Any]:
    """Counts by kind. Without a pattern in a source every layer keeps the whole context: the upper bound."""
    full = integer(row["layers_full_attention"])
    if full is None:
        full = 0 if "embedding" in row["tags"].split(";") else int(row["num_layers"])
    sliding = int(row["layers_sliding"] or 0)
    return {
        "layers_full": full,
        "layers_sliding": sliding,
        "layers_linear": int(row["layers_linear"] or 0),
        "sliding_window": integer(row["sliding_window"]) if sliding else None,
    }


def elements(row: Row) -> dict[str, Any]:
    """Elements cached for one token (half of the fp16 bytes), None where the formula holds."""
    if row["hf_id"] in BY_ANALOGY:
        everything, full_only = BY_ANALOGY[row["hf_id"]]
        return {"kv_elements_per_token": everything, "kv_elements_per_token_full": full_only}
    if row["kv_bytes_per_token_fp16"] == "":
        return {"kv_elements_per_token": None, "kv_elements_per_token_full": None}
    total, full = (
        int(row[key] or 0) // 2 for key in ("kv_bytes_per_token_fp16", "kv_bytes_per_token_fp16_full_layers")
    )
    kinds = layers(row)
    each = _per_layer(row)
    holds = each * (kinds["layers_full"] + kinds["layers_sliding"]) == total and each * kinds["layers_full"] == full
    if holds and total:  # an encoder's zero is said outright: it is not "pattern unknown"
        return {"kv_elements_per_token": None, "kv_elements_per_token_full": None}
    return {"kv_elements_per_token": total, "kv_elements_per_token_full": full}


def _per_layer(row: Row) -> int:
    """Cached elements of one token in one layer by the plain formula."""
    if row["mla_kv_lora_rank"]:
        return int(row["mla_kv_lora_rank"]) + int(row["mla_qk_rope_head_dim"] or 0)
    if not row["head_dim"]:
        return 0
    return 2 * int(row["num_kv_heads"] or row["num_attention_heads"]) * int(row["head_dim"])
