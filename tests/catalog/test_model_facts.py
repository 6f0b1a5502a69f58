"""Facts of models that were wrong once: each by what its maker states, and what follows for its kind."""

from __future__ import annotations

import pytest

from advisor.catalog import constants, models, weights_format
from advisor.models.names import catalogue_model
from advisor.physics.memory.weights import weight_bytes
from advisor.units import GB


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("google/gemma-4-26B-A4B-it", 262_144),
        ("google/gemma-4-12B-it", 262_144),
        ("google/gemma-4-E4B-it", 131_072),
        ("thinkingmachines/Inkling-Small", 1_048_576),
        ("moonshotai/Kimi-K2-Instruct-0905", 262_144),
        ("deepseek-ai/DeepSeek-V2-Chat", 163_840),
        ("deepseek-ai/DeepSeek-V2.5", 163_840),
        ("tiiuae/falcon-11B", 8_192),
        ("mistralai/Mistral-Nemo-Instruct-2407", 131_072),
    ],
)
def test_contexts(name: str, tokens: int) -> None:
    """The context is what the model's configuration allows, not the base length that its rope scaling starts from."""
    assert catalogue_model(name).context_trained == tokens


def test_recent_models_read_long_texts() -> None:
    """No chat model of 2025 or later has a context under 32,768, but for those whose makers say so: it is no base length."""
    short = {
        model.hf_id
        for model in models()
        if model.release >= "2025-06" and "chat" in model.tags and model.context_trained < 32_768
    }
    assert short == {
        "ByteDance-Seed/Stable-DiffCoder-8B-Instruct",
        "microsoft/Phi-mini-MoE-instruct",
        "microsoft/Phi-tiny-MoE-instruct",
        "nvidia/Riva-Translate-4B-Instruct-v2",
        "Tiiny/SmallThinker-21BA3B-Instruct",
    }


@pytest.mark.parametrize(
    ("name", "gb"),
    [("deepseek-ai/DeepSeek-V4-Flash", 160), ("deepseek-ai/DeepSeek-V4-Pro", 865)],
)
def test_four_bit_experts_beside_eight_bit_layers(name: str, gb: float) -> None:
    """DeepSeek-V4 is as large as its repository states (rounded there), not as all of it in FP8 would be."""
    model = catalogue_model(name)
    assert weight_bytes(model, weights_format(model.native_format)).total_bytes == pytest.approx(gb * GB, rel=0.06)


def test_eight_bit_checkpoints_are_known_as_such() -> None:
    """A repository that is FP8 itself is never taken for 16 bit, which would make vLLM quantise it a second time."""
    for name in ("Ministral-3-3B", "Ministral-3-8B", "Ministral-3-14B", "Mistral-Large-3-675B"):
        assert catalogue_model(f"mistralai/{name}-Instruct-2512").native_format == "fp8"
    assert catalogue_model("moonshotai/Kimi-K2-Instruct-0905").native_format == "fp8"


def test_every_architecture_is_loaded_or_marked() -> None:
    """Each entry names an architecture that the pinned vLLM registers, or that is marked as dropped, never had or a plug-in."""
    table = constants("architectures")
    marked = {*table["loaded"]["vllm"], *table["not_loaded"]["vllm"], *table["plug_ins"]["vllm"]}
    assert {model.hf_id for model in models() if model.architecture not in marked} == set()


def test_dropped_architectures_are_few() -> None:
    """Entries that rule OPS416 refuses for vLLM are known one by one: a new one is looked at."""
    dropped = constants("architectures")["not_loaded"]["vllm"]
    refused = {model.hf_id for model in models() if model.architecture in dropped}
    assert refused == {
        "dots-studio/dots.llm1.inst",
        "rednote-hilab/dots.llm1.inst",
        "MiniMaxAI/MiniMax-Text-01-hf",
        "Tiiny/SmallThinker-4BA0.6B-Instruct",
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "meta-llama/Llama-3.2-90B-Vision-Instruct",
        "microsoft/Phi-3-small-8k-instruct",
    }
