"""The plans that scenarios keep, as cases for the judges: argument lists, and a config.json from what a plan knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.scenarios import GOLDEN

Plan = dict[str, Any]


def golden_plans(engine: str) -> Iterator[tuple[str, Plan]]:
    """Every plan of every scenario for an engine, the desk's included, with its name."""
    for path in sorted(GOLDEN.glob("*/out/plan.json")):
        plan = json.loads(path.read_text(encoding="utf-8"))
        for name, one in ((path.parts[-3], plan), (f"{path.parts[-3]}-desk", plan["desk"])):
            if one and one["engine"] == engine:
                yield name, one


def platform(plan: Plan) -> str:
    """Where vLLM can judge the whole configuration: cuda (on a card that is pretended), cpu, else nowhere here."""
    variant = plan["launch"]["variant"]
    return variant if variant in ("cuda", "cpu") else ""


def case(name: str, plan: Plan, whole: bool = True) -> dict[str, Any]:
    """What vllm_judge.py reads; `whole` asks for the configuration too, not the parser alone."""
    model, launch = plan["model"], plan["launch"]
    judgeable = whole and bool(platform(plan)) and not model["multimodal"]
    return {
        "id": name,
        "argv": _alone(launch["argv"]),
        "env": launch["env"],
        "config": config(plan) if judgeable else None,
        "card": card(plan) if platform(plan) == "cuda" else None,
    }


def _alone(argv: list[str]) -> list[str]:
    """The arguments without a drafter from another repository, whose configuration the judge has no copy of."""
    flag = "--speculative-config"
    if flag not in argv or "model" not in json.loads(argv[argv.index(flag) + 1]):
        return argv
    at = argv.index(flag)
    return argv[:at] + argv[at + 2 :]


def card(plan: Plan) -> dict[str, Any]:
    """The least of the cards in use, and how many the engine sees."""
    chosen = plan["estimate"]["candidate"]["gpu_indices"]
    cards = [one for one in plan["hardware"]["accelerators"] if one["index"] in chosen]
    least = min(cards, key=lambda one: [int(part) for part in one["compute_capability"].split(".")])
    return {
        "name": least["name"],
        "capability": [int(part) for part in least["compute_capability"].split(".")],
        "memory_bytes": min(one["memory_bytes"] for one in cards),
        "count": len(cards),
    }


def config(plan: Plan) -> dict[str, Any]:
    """A Hugging Face config.json with the dimensions that the catalogue knows."""
    model = plan["model"]
    found = {
        "architectures": [model["architecture"]],
        "model_type": model["model_type"],
        "hidden_size": model["hidden"],
        "intermediate_size": model["intermediate"],
        "num_hidden_layers": model["layers"],
        "num_attention_heads": model["heads"],
        "num_key_value_heads": model["kv_heads"],
        "head_dim": model["head_dim"],
        "vocab_size": model["vocab"],
        "max_position_embeddings": model["context_trained"],
        "tie_word_embeddings": model["tied_embeddings"],
        "torch_dtype": {"fp16": "float16", "fp32": "float32"}.get(model["native_format"], "bfloat16"),
    }
    if model["experts"]:
        found["num_experts"] = found["num_local_experts"] = model["experts"]
        found["num_experts_per_tok"] = model["experts_per_token"]
        found["moe_intermediate_size"] = model["expert_intermediate"]
    if "bert" in model["model_type"]:  # every checkpoint of these says it, and vLLM reads it
        found["position_embedding_type"] = "absolute"
    if model["sliding_window"]:
        found["sliding_window"] = model["sliding_window"]
    method = quantization(plan)
    return found | ({"quantization_config": method} if method else {})


def quantization(plan: Plan) -> dict[str, Any] | None:
    """What such a checkpoint says of its weights: each publisher's own form; None where the engine does it itself."""
    kind, repository = plan["estimate"]["candidate"]["weights_format"], plan["launch"]["model_ref"]
    if "--quantization" in plan["launch"]["argv"] or kind in ("fp32", "bf16", "fp16"):
        return None
    if repository.startswith("nvidia/"):
        return {"quant_method": "modelopt", "quant_algo": {"nvfp4": "NVFP4"}.get(kind, "FP8"), "ignore": ["lm_head"]}
    if repository.startswith("RedHatAI/") or kind in ("w4a16", "int8-w8a8", "int8-w8a16"):
        return _compressed(kind)
    known: dict[str, dict[str, Any]] = {
        "awq-int4": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"},
        "gptq-int4": {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True},
        "gptq-int8": {"quant_method": "gptq", "bits": 8, "group_size": 128, "desc_act": False, "sym": True},
        "fp8": {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]},
        "mxfp4": {"quant_method": "mxfp4"},
    }
    return known[kind]


def _compressed(kind: str) -> dict[str, Any]:
    number = "float" if kind == "fp8" else "int"
    weights = {"num_bits": 4 if kind == "w4a16" else 8, "type": number, "symmetric": True, "dynamic": False}
    weights |= {"strategy": "group", "group_size": 128} if kind == "w4a16" else {"strategy": "channel"}
    group: dict[str, Any] = {"targets": ["Linear"], "weights": weights}
    if kind in ("fp8", "int8-w8a8"):
        group["input_activations"] = {
            "num_bits": 8,
            "type": number,
            "symmetric": True,
            "dynamic": True,
            "strategy": "token",
        }
    form = {"w4a16": "pack-quantized", "fp8": "float-quantized"}.get(kind, "int-quantized")
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "config_groups": {"group_0": group},
        "ignore": ["lm_head"],
    }
