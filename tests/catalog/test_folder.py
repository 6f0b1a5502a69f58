"""Folders with config.json: one per attention type, quantised ones, and parameters counted in safetensors headers."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import BadInput
from advisor.models.names import find_model, find_model_and_format

LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 131072, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}  # fmt: skip


def folder(tmp_path: Path, config: dict[str, Any]) -> str:
    """A folder that holds this config."""
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(tmp_path)


# name → (config, layers full / sliding / linear, window, parameters or None)
TYPES: dict[str, tuple[dict[str, Any], tuple[int, int, int], int | None, int | None]] = {
    "grouped query": (LLAMA, (32, 0, 0), None, 8030261248),
    "multi query": (
        {"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71,
         "multi_query": True, "new_decoder_architecture": False, "vocab_size": 65024},
        (32, 0, 0), None, None,
    ),
    "query biases": (
        LLAMA | {"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
                 "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064,
                 "max_position_embeddings": 262144, "sliding_window": 131072, "use_sliding_window": False,
                 "max_window_layers": 28},
        (28, 0, 0), None, 7615616512,
    ),
    "sliding everywhere": (LLAMA | {"model_type": "mistral", "sliding_window": 4096}, (0, 32, 0), 4096, 8030261248),
    "window as long as the context": (LLAMA | {"sliding_window": 131072}, (32, 0, 0), None, None),
    "alternating": (LLAMA | {"model_type": "gemma2", "num_hidden_layers": 42, "sliding_window": 4096}, (21, 21, 0), 4096, None),
    "listed layers": (
        LLAMA | {"model_type": "olmo3", "sliding_window": 4096,
                 "layer_types": (["sliding_attention"] * 3 + ["full_attention"]) * 8},
        (8, 24, 0), 4096, None,
    ),
    "pattern as text": (LLAMA | {"model_type": "exaone4", "sliding_window": 4096, "sliding_window_pattern": "LLLG"}, (8, 24, 0), 4096, None),
    "chunked": (LLAMA | {"model_type": "llama4", "num_hidden_layers": 48, "attention_chunk_size": 8192}, (12, 36, 0), 8192, None),
    "nested, one in six": (
        {"model_type": "gemma3", "vision_config": {}, "text_config": {
            "model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
            "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 1024,
            "vocab_size": 262208, "max_position_embeddings": 131072}},
        (5, 29, 0), 1024, 3880263168,
    ),
    "latent": (
        LLAMA | {"model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432, "num_hidden_layers": 61,
                 "num_attention_heads": 128, "num_key_value_heads": 128, "vocab_size": 129280, "kv_lora_rank": 512,
                 "q_lora_rank": 1536, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
                 "n_routed_experts": 256, "num_experts_per_tok": 8, "n_shared_experts": 1,
                 "moe_intermediate_size": 2048, "first_k_dense_replace": 3, "max_position_embeddings": 163840},
        (61, 0, 0), None, 671026404352,  # without the routers' 14,848 correction biases
    ),
    "mixture of experts": (
        LLAMA | {"model_type": "mixtral", "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2},
        (32, 0, 0), None, 46702792704,
    ),
    "gated DeltaNet": (
        LLAMA | {"model_type": "qwen3_next", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 16,
                 "num_key_value_heads": 2, "head_dim": 256, "num_experts": 512, "num_experts_per_tok": 10,
                 "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512, "vocab_size": 151936,
                 "full_attention_interval": 4, "linear_num_value_heads": 32, "linear_value_head_dim": 128,
                 "linear_num_key_heads": 16, "linear_key_head_dim": 128, "linear_conv_kernel_dim": 4},
        (12, 0, 36), None, None,
    ),
    "one block a layer": (
        LLAMA | {"model_type": "nemotron_h", "num_hidden_layers": 8, "hybrid_override_pattern": "M-M*M-M-"},
        (1, 0, 4), None, None,
    ),
    "both in each layer": (LLAMA | {"model_type": "falcon_h1", "num_hidden_layers": 24}, (24, 0, 24), None, None),
    "convolution": (LLAMA | {"model_type": "lfm2", "num_hidden_layers": 16, "full_attn_idxs": [2, 5, 8, 10, 12, 14]}, (6, 0, 10), None, None),
    "state only": (LLAMA | {"model_type": "mamba2", "num_hidden_layers": 64}, (0, 0, 64), None, None),
    "cross attention": (
        {"model_type": "mllama", "text_config": LLAMA | {"model_type": "mllama_text_model", "num_hidden_layers": 40,
                                                         "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38]}},
        (32, 0, 0), None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_attention_types(tmp_path: Path, name: str) -> None:
    """Layers that keep the whole context, a window of it, or a fixed state are told apart; totals follow."""
    config, kinds, window, parameters = TYPES[name]
    model = find_model(folder(tmp_path, config), offline=True)
    assert (model.layers_full, model.layers_sliding, model.layers_linear) == kinds
    assert model.sliding_window == window
    assert parameters is None or model.parameters == parameters


def test_gated_delta_net_total(tmp_path: Path) -> None:
    """The formula for Qwen3-Next stays within one per cent of the published 79,674,391,296."""
    model = find_model(folder(tmp_path, TYPES["gated DeltaNet"][0]), offline=True)
    assert model.parameters == pytest.approx(79_674_391_296, rel=0.01)


def test_reused_and_wide_layers(tmp_path: Path) -> None:
    """Gemma 4: full layers have fewer, wider heads; Gemma 3n: the last layers reuse a cache."""
    kinds = (["sliding_attention"] * 5 + ["full_attention"]) * 10
    wide = LLAMA | {
        "model_type": "gemma4_text", "num_hidden_layers": 60, "num_key_value_heads": 16, "head_dim": 256,
        "global_head_dim": 512, "num_global_key_value_heads": 4, "sliding_window": 1024, "layer_types": kinds,
    }  # fmt: skip
    model = find_model(folder(tmp_path, wide), offline=True)
    assert (model.kv_elements_per_token, model.kv_elements_per_token_full) == (450560, 40960)  # gemma-4-31B-it
    reuse = LLAMA | {
        "model_type": "gemma3n_text", "num_hidden_layers": 30, "num_key_value_heads": 2, "head_dim": 256,
        "num_kv_shared_layers": 10, "sliding_window": 512,
        "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 6,
    }  # fmt: skip
    model = find_model(folder(tmp_path, reuse), offline=True)
    assert (model.kv_elements_per_token, model.kv_elements_per_token_full) == (20480, 4096)  # gemma-3n-E2B-it


QUANTISED = [
    ({"quant_method": "awq", "bits": 4}, "awq-int4"),
    ({"quant_method": "gptq", "bits": 4}, "gptq-int4"),
    ({"quant_method": "gptq", "bits": 8}, "gptq-int8"),
    ({"quant_method": "fp8"}, "fp8"),
    ({"quant_method": "mxfp4"}, "mxfp4"),
    ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
    ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8"),
    ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 128}}}}, "w4a16"),
    ({"quant_method": "compressed-tensors", "ignore": ["re:.*self_attn.*"],
      "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 32}}}}, "w4a16-g32-moe"),
    ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "int"}, "input_activations": {"num_bits": 8}}}}, "int8-w8a8"),
    ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}, "input_activations": {}}}}, "fp8"),
]  # fmt: skip


@pytest.mark.parametrize(("quantisation", "name"), QUANTISED)
def test_declared_format(tmp_path: Path, quantisation: dict[str, Any], name: str) -> None:
    """The format is what quantization_config declares."""
    fmt = find_model_and_format(folder(tmp_path, LLAMA | {"quantization_config": quantisation}), offline=True)[1]
    assert fmt is not None and fmt.name == name


@pytest.mark.parametrize(("dtype", "name"), [("float16", "fp16"), ("torch.bfloat16", "bf16"), ("float32", "fp32")])
def test_declared_dtype(tmp_path: Path, dtype: str, name: str) -> None:
    """Without quantisation the dtype is the format."""
    assert find_model(folder(tmp_path, LLAMA | {"torch_dtype": dtype}), offline=True).native_format == name


REFUSED = [
    (LLAMA | {"quantization_config": {"quant_method": "bitsandbytes"}}, "bitsandbytes.*awq, gptq"),
    ({key: item for key, item in LLAMA.items() if key != "hidden_size"}, "hidden_size is missing"),
]


@pytest.mark.parametrize(("config", "told"), REFUSED)
def test_refused(tmp_path: Path, config: dict[str, Any], told: str) -> None:
    """A quantisation that no engine loads and a missing dimension are named."""
    with pytest.raises(BadInput, match=told):
        find_model(folder(tmp_path, config), offline=True)


@pytest.mark.parametrize(("content", "told"), [("{", "not JSON"), ("[]", "no mapping")])
def test_broken_config(tmp_path: Path, content: str, told: str) -> None:
    """A config.json that is none is refused with its path."""
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=told):
        find_model(str(tmp_path), offline=True)


def test_empty_folder(tmp_path: Path) -> None:
    """A folder without a model says what was looked for."""
    with pytest.raises(BadInput, match=r"neither config\.json nor a \.gguf"):
        find_model(str(tmp_path), offline=True)


def safetensors(path: Path, tensors: dict[str, tuple[str, list[int]]]) -> None:
    """A safetensors file with a header and no weights."""
    header = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]} for name, (dtype, shape) in tensors.items()
    }
    raw = json.dumps(header | {"__metadata__": {"format": "pt"}}).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)


SMALL = LLAMA | {
    "num_hidden_layers": 1,
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 10,
}


def test_parameters_are_counted(tmp_path: Path) -> None:
    """Stored tensors count; scales, a tied head and draft layers behind the last do not; towers are told apart."""
    safetensors(
        tmp_path / "model.safetensors",
        {
            "model.embed_tokens.weight": ("BF16", [10, 8]),
            "lm_head.weight": ("BF16", [10, 8]),
            "model.layers.0.mlp.up_proj.weight": ("BF16", [8, 16]),
            "model.layers.0.mlp.up_proj.weight_scale": ("F32", [8]),
            "model.layers.1.mlp.up_proj.weight": ("BF16", [8, 16]),
            "visual.patch.weight": ("BF16", [5, 5]),
        },
    )
    model = find_model(folder(tmp_path, SMALL | {"tie_word_embeddings": True}), offline=True)
    assert (model.parameters, model.vision_parameters) == (80 + 128 + 25, 25)
    assert (model.confidence, model.file_bytes) == ("high", (tmp_path / "model.safetensors").stat().st_size)


def test_packed_weights_are_unpacked(tmp_path: Path) -> None:
    """Eight 4-bit weights in an int32 are eight parameters; experts are counted apart."""
    safetensors(
        tmp_path / "model-00001-of-00001.safetensors",
        {
            "model.layers.0.mlp.experts.0.up_proj.qweight": ("I32", [4, 2]),
            "model.layers.0.mlp.experts.0.up_proj.qzeros": ("I32", [1, 2]),
            "model.layers.0.mlp.experts.1.up_proj.qweight": ("I32", [4, 2]),
            "model.norm.weight": ("F16", [8]),
        },
    )
    config = SMALL | {
        "num_experts": 2,
        "num_experts_per_tok": 1,
        "quantization_config": {"quant_method": "awq", "bits": 4},
    }
    model = find_model(folder(tmp_path, config), offline=True)
    assert (model.parameters, model.active_parameters) == (2 * 64 + 8, 64 + 8)


def test_cut_off_safetensors(tmp_path: Path) -> None:
    """A header that is cut off is refused with the file's name."""
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", 100) + b"{")
    with pytest.raises(BadInput, match=r"model\.safetensors"):
        find_model(folder(tmp_path, SMALL), offline=True)


def test_named_after_a_catalogue_model(tmp_path: Path) -> None:
    """A folder that is called after a catalogue model of the same shape takes over what a config does not tell."""
    path = tmp_path / "Llama-3.1-8B-Instruct"
    path.mkdir()
    model = find_model(folder(path, LLAMA), offline=True)
    assert (model.tool_parser, model.licence, model.origin, model.hf_id) == (
        "llama3_json",
        "llama3.1",
        "folder",
        str(path),
    )
