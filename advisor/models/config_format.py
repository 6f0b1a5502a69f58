"""The weights format that a config.json declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.models.config_types import first_number

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float32": "fp32", "float": "fp32"}


def declared_format(config: Mapping[str, Any], where: str) -> str:
    """The name in formats.yaml: of `quantization_config`, else of the dtype (bfloat16 where none is given).

    Raises:
        BadInput: a quantisation that neither engine loads; names the method.
    """
    text = config.get("text_config") or {}
    quantisation = config.get("quantization_config") or text.get("quantization_config")
    if quantisation:
        return _quantised(quantisation, where)
    dtype = config.get("torch_dtype") or config.get("dtype") or text.get("torch_dtype") or text.get("dtype")
    return DTYPES.get(str(dtype).removeprefix("torch."), "bf16")


def _quantised(quantisation: Mapping[str, Any], where: str) -> str:
    method = str(quantisation.get("quant_method", "")).lower()
    bits = first_number(quantisation, "bits") or first_number(quantisation, "w_bit") or 4
    if method in ("awq", "auto_awq"):
        return "awq-int4"
    if method in ("gptq", "auto_gptq", "auto-round", "auto_round"):
        return "gptq-int8" if bits == 8 else "gptq-int4"
    if method in ("fp8", "fbgemm_fp8"):
        return "fp8"
    if method == "mxfp4":
        return "mxfp4"
    if method == "modelopt":
        return "nvfp4" if "FP4" in str(quantisation.get("quant_algo", "")).upper() else "fp8"
    if method == "compressed-tensors":
        return _compressed(quantisation)
    raise BadInput(
        f"{where}: quantization_config.quant_method is {shown(method)}; accepted are awq, gptq, fp8, "
        "fbgemm_fp8, mxfp4, modelopt, compressed-tensors (engines load others by a plug-in only)"
    )


def _compressed(quantisation: Mapping[str, Any]) -> str:
    """compressed-tensors: bits and kind of the weights, and whether the activations are quantised too."""
    groups = quantisation.get("config_groups") or {}
    group: Mapping[str, Any] = next(iter(groups.values()), {})
    weights = group.get("weights") or {}
    activations = group.get("input_activations")
    bits, kind = first_number(weights, "num_bits") or 8, str(weights.get("type") or "int")
    if kind == "float":
        return "nvfp4" if bits == 4 else "fp8"
    if bits == 8:
        return "int8-w8a8" if activations else "int8-w8a16"
    ignored = " ".join(str(name) for name in quantisation.get("ignore") or ())
    experts_only = weights.get("group_size") == 32 and "attn" in ignored
    return "w4a16-g32-moe" if experts_only else "w4a16"
