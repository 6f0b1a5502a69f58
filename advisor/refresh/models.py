"""models.csv → data/models.json. Run: `python -m advisor.refresh.models FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from advisor.refresh import kv
from advisor.refresh.copies import advisable, with_copies
from advisor.refresh.parsers import known_parser
from advisor.refresh.table import Row, asked_folder, document, integer, rows, without_defaults, write
from advisor.schema import ModelSpec
from advisor.units import GB

ORIGIN = "advisor/refresh/sources/models.csv, see models.md there"

# How the library writes a quantisation → the name in formats.yaml.
OLLAMA_FORMATS = {
    "Q4_K_M": "q4_K_M", "Q4_0": "q4_0", "Q8_0": "q8_0", "FP16": "f16", "BF16": "bf16-gguf",
    "MXFP4": "mxfp4-gguf",
}  # fmt: skip
# "int4" is the Kimi K2 line: only the routed experts, in groups of 32.
NATIVE = {"int4": "w4a16-g32-moe", "": "bf16"}
# The column of shared experts is blank where the config gives their total width instead; these counts are in
# units of the routed width.
SHARED_EXPERTS = {
    "Qwen/Qwen1.5-MoE-A2.7B-Chat": 4, "Qwen/Qwen2-57B-A14B-Instruct": 8,
    "Qwen/Qwen3-Next-80B-A3B-Instruct": 1, "Qwen/Qwen3-Next-80B-A3B-Thinking": 1, "Qwen/Qwen3-Coder-Next": 1,
    "Qwen/Qwen3.5-35B-A3B": 1, "Qwen/Qwen3.5-122B-A10B": 1, "Qwen/Qwen3.5-397B-A17B": 1,
    "Qwen/Qwen3.6-35B-A3B": 1,
}  # fmt: skip
# The table pairs this model with the FP8 files of the April weights.
FP8_FIXED = {"Qwen/Qwen3-235B-A22B-Instruct-2507": "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8"}
NAME_PLATE = {"mistralai/Mistral-Large-3-675B-Instruct-2512": 675_000_000_000}  # no total in any source


def repositories(row: Row) -> dict[str, str]:
    """Format name → repository that holds the model in it; "(native)" is the base repository itself."""
    found = {}
    if row["awq_repo"]:
        found["awq-int4"] = row["awq_repo"]
    if row["gptq_repo"]:
        name = _gptq_format(row["gptq_repo"].lower())
        if name:
            found[name] = row["gptq_repo"]
    if row["fp8_repo"]:
        named = FP8_FIXED.get(row["hf_id"], row["fp8_repo"])
        found["fp8"] = row["hf_id"] if named == "(native)" else named
    return {name: repository for name, repository in found.items() if advisable(repository, row["hf_id"])}


def _gptq_format(repository: str) -> str | None:
    """Which of the formats a repository of the gptq column holds; mixed 4 and 8 bit is none of them."""
    if "int8mix" in repository:
        return None
    if "quantized.w4a16" in repository:
        return "w4a16"
    return "gptq-int8" if "int8" in repository else "gptq-int4"


def ollama(row: Row) -> dict[str, Any]:
    """Tag and default quantisation; tags that run on the vendor's servers are no local model."""
    tag = row["ollama_tag"]
    if not tag or tag.endswith("cloud"):
        return {"ollama_tag": None, "ollama_quantization": None}
    return {"ollama_tag": tag, "ollama_quantization": OLLAMA_FORMATS.get(row["ollama_default_quant"])}


def active_parameters(row: Row) -> int | None:
    """Exact where known, else as advertised, else None for a dense model."""
    exact = integer(row["params_active"])
    advertised = row["params_active_advertised"]
    if exact or not row["moe_experts"] or not advertised:
        return exact
    return round(float(advertised.rstrip("Bb")) * GB)


def confidence(row: Row) -> str:
    """The table's, capped where a field had to be assumed here."""
    assumed = row["layers_full_attention"] == "" and "embedding" not in row["tags"]
    return "low" if assumed and row["confidence"] == "medium" else row["confidence"] if not assumed else "medium"


def model(row: Row) -> dict[str, Any]:
    """One model as an entry without default values."""
    heads, hidden = int(row["num_attention_heads"]), int(row["hidden_size"])
    entry: dict[str, Any] = {
        "hf_id": row["hf_id"],
        "family": row["family"],
        "parameters": integer(row["params_total"]) or NAME_PLATE[row["hf_id"]],
        "layers": int(row["num_layers"]),
        "hidden": hidden,
        "intermediate": int(row["intermediate_size"] or 0),
        "heads": heads,
        "kv_heads": int(row["num_kv_heads"] or heads),
        "head_dim": int(row["head_dim"] or hidden // heads),
        "vocab": int(row["vocab_size"]),
        "tied_embeddings": row["tie_word_embeddings"] == "y",
        "context_trained": int(row["context_trained"] or row["max_position_embeddings"]),
        "native_format": NATIVE.get(row["native_dtype"], row["native_dtype"]),
        "active_parameters": active_parameters(row),
        "release": row["release"],
        "architecture": row["architecture"],
        "model_type": row["model_type"],
        **kv.layers(row),
        "mla_kv_lora_rank": integer(row["mla_kv_lora_rank"]),
        "mla_rope_dim": integer(row["mla_qk_rope_head_dim"]),
        "experts": int(row["moe_experts"] or 0),
        "experts_per_token": int(row["moe_experts_per_token"] or 0),
        "expert_intermediate": int(row["moe_intermediate_size"] or 0),
        "shared_experts": int(row["moe_shared_experts"] or SHARED_EXPERTS.get(row["hf_id"], 0)),
        "first_dense_layers": int(row["first_dense_layers"] or 0),
        **kv.elements(row),
        "vision_parameters": int(row["vision_params"] or 0),
        "multimodal": row["multimodal"] == "y",
        "gated": {"y": True, "n": False}.get(row["gated_on_hub"]),
        "licence": row["licence"],
        **ollama(row),
        "repos": repositories(row),
        "tool_parser": known_parser("tool", row["tool_parser"]),
        "reasoning_parser": known_parser("reasoning", row["reasoning_parser"]),
        "tags": [tag for tag in row["tags"].split(";") if tag],
        "confidence": confidence(row),
    }
    return without_defaults(ModelSpec, with_copies(entry))


def generate(folder: Path) -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    table = sorted(rows(folder / "models.csv"), key=lambda row: row["hf_id"].lower())
    return {"models.json": document("models", "models", ORIGIN, [model(row) for row in table])}


if __name__ == "__main__":
    for name, text in generate(asked_folder(__doc__)).items():
        write(name, text)
