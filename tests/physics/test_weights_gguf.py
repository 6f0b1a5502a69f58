"""GGUF files by formula: llama.cpp's block types, against exact sizes of Ollama library files."""

from __future__ import annotations

import statistics

import pytest

from advisor.catalog import models, weights_format
from advisor.models.names import find_model
from advisor.physics.memory.gguf_mix import BASE, BLOCK_TYPES, fitted, mixed_type, more_bits, tensor_type
from advisor.physics.memory.layout import TensorGroup, tensor_groups
from advisor.physics.memory.weights import file_bytes, weight_bytes
from tests.data import rows

# Library files whose size the rules do not explain, with the largest difference in per cent.
OUTLIERS = {
    # as if 5 instead of 12 of its 24 expert layers had ffn_down in Q6_K
    "meta-llama/Llama-4-Maverick-17B-128E-Instruct": 4.1,
    "Qwen/Qwen2.5-VL-3B-Instruct": 2.2,  # the library's file quantises the vision merger (37 M weights)
}


def test_library_files_within_two_per_cent() -> None:
    """Every exactly known library file is within 2 % of the formula, projector and vocabulary included."""
    known = {model.hf_id: model for model in models()}
    errors = []
    for row in rows("gguf_sizes.csv"):
        name, quantisation = row["model"], row["format"]
        error = 100 * (file_bytes(known[name], weights_format(quantisation)) / int(row["bytes"]) - 1)
        errors.append(abs(error))
        assert abs(error) <= OUTLIERS.get(name, 2.0), f"{name} {quantisation}: {error:+.2f} %"
    assert len(errors) > 180
    assert statistics.median(errors) < 0.05


def kinds(model_name: str, quantisation: str) -> dict[str, set[str]]:
    """Role of a tensor → the block types it takes over the layers."""
    model = find_model(model_name, offline=True)
    return {
        group.role: {tensor_type(model, quantisation, group, layer) for layer in range(group.layers)}
        for group in tensor_groups(model)
    }


def test_q4_k_m_of_a_plain_model() -> None:
    """Q4_K_M: values and ffn_down Q6_K in some layers, the head Q6_K, norms 32 bit, the rest Q4_K."""
    found = kinds("meta-llama/Llama-3.1-8B-Instruct", "q4_K_M")
    assert found["v"] == found["down"] == {"q4_K", "q6_K"}
    assert found["head"] == {"q6_K"} and found["embedding"] == {"q4_K"} and found["norm"] == {"f32"}
    assert found["q"] == found["k"] == found["o"] == found["gate"] == found["up"] == {"q4_K"}


def test_a_tied_embedding_takes_the_type_of_the_head() -> None:
    """Without a head of its own, the embedding is stored like one."""
    assert kinds("meta-llama/Llama-3.2-1B-Instruct", "q4_K_M")["embedding"] == {"q6_K"}
    assert kinds("meta-llama/Llama-3.2-1B-Instruct", "q8_0")["embedding"] == {"q8_0"}


def test_eighty_layers_and_eight_experts_are_special() -> None:
    """70B models give values at least Q5_K; Mixtral keeps keys and values at 8 bit, the output at Q5_K."""
    assert kinds("meta-llama/Llama-3.3-70B-Instruct", "q4_K_M")["v"] == {"q5_K", "q6_K"}
    mixtral = kinds("mistralai/Mixtral-8x7B-Instruct-v0.1", "q4_K_M")
    assert mixtral["v"] == mixtral["k"] == {"q8_0"} and mixtral["o"] == {"q5_K"}


def test_fused_projections() -> None:
    """Phi keeps query, key and value in one tensor, which Q4_K_M stores as Q5_K."""
    assert kinds("microsoft/phi-4", "q4_K_M")["qkv"] == {"q5_K"}


@pytest.mark.parametrize(
    ("chosen", "inputs", "expected"),
    [
        ("q4_K", 4096, "q4_K"),
        ("q4_K", 896, "q5_0"),
        ("q6_K", 896, "q8_0"),
        ("q5_K", 896, "q5_1"),
        ("q4_K", 100, "f16"),
        ("q8_0", 896, "q8_0"),
        ("f16", 100, "f16"),
    ],
)
def test_rows_that_do_not_divide(chosen: str, inputs: int, expected: str) -> None:
    """Rows that are no multiple of 256 fall back to blocks of 32, or to 16 bit where those do not fit."""
    assert fitted(chosen, inputs) == expected


def test_which_layers_get_more_bits() -> None:
    """The first and the last eighth of the layers and every third between get the wider type."""
    assert [layer for layer in range(16) if more_bits(layer, 16)] == [0, 1, 4, 7, 10, 13, 14, 15]


def test_every_mix_names_known_blocks() -> None:
    """Whatever the format, model and tensor, the chosen type is one with a known block."""
    for model in models()[::7]:
        for name in BASE:
            for group in tensor_groups(model):
                assert tensor_type(model, name, group, group.layers - 1) in BLOCK_TYPES


def test_converted_files_are_not_mixed() -> None:
    """F16 files hold every matrix in 16 bit."""
    model = find_model("meta-llama/Llama-3.1-8B-Instruct", offline=True)
    group = TensorGroup(role="head", elements=1, inputs=4096)
    assert mixed_type(model, "f16", group, 0) == "f16"


def test_dynamic_mixes_use_their_stated_bits() -> None:
    """A mix without a rule costs what the formats file states for it."""
    model = find_model("meta-llama/Llama-3.1-8B-Instruct", offline=True)
    dynamic = weights_format("ud-q4_k_xl")
    size = weight_bytes(model, dynamic)
    assert size.ffn_bytes == pytest.approx(3 * 32 * 4096 * 14336 * dynamic.linear_bits / 8)


def test_the_largest_shares_of_the_library_build() -> None:
    """Ollama's own Qwen3 8B leaves the values in 16 bit, unlike the standard mix."""
    assert kinds("Qwen/Qwen3-8B", "q4_K_M")["v"] == {"f16"}
    assert kinds("Qwen/Qwen3-4B-Instruct-2507", "q4_K_M")["v"] == {"q4_K", "q6_K"}
