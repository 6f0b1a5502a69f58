"""A no names what it rests on that nobody looked at, and what to type where that is otherwise."""

from __future__ import annotations

import pytest

from advisor.pipeline import recommend

MEMORY, PROCESSOR, SPEED = "of memory for", "of a processor that was not looked at", "never measured on such a device"


def summary(gpu: str, model: str, **asked: object) -> str:
    """The sentence of the verdict."""
    overrides = {"model": model, "offline": True, **asked}
    answer = recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none", quick=True)
    return answer.verdict.summary


@pytest.mark.parametrize(
    ("gpu", "model", "asked", "told"),
    [
        ("RTX 3060 12GB", "Qwen/Qwen2.5-32B-Instruct", {"users": 5}, MEMORY),
        ("T4", "Qwen/Qwen2.5-72B-Instruct", {"users": 1}, MEMORY),
        ("cpu", "Qwen/Qwen3-8B", {"users": 2}, PROCESSOR),
        ("EPYC 9654", "Qwen/Qwen2.5-72B-Instruct", {"users": 5}, PROCESSOR),
        ("RTX 4090", "Qwen/Qwen2.5-72B-Instruct", {"users": 1, "allow_offload": True, "tpot_ms": 100}, PROCESSOR),
        ("cpu", "BAAI/bge-reranker-v2-m3", {"users": 3}, PROCESSOR),
        ("cpu", "BAAI/bge-reranker-v2-m3", {"users": 3}, SPEED),
    ],
)
def test_a_no_says_what_was_assumed(gpu: str, model: str, asked: dict[str, object], told: str) -> None:
    """A machine that was only named: its memory where that refuses, its processor where that computes."""
    said = summary(gpu, model, **asked)
    assert said.startswith("No") and told in said and "--hardware FILE" in said


@pytest.mark.parametrize(
    ("gpu", "model", "asked"),
    [
        ("T4", "openai/gpt-oss-20b", {"engine": "vllm"}),
        ("4x V100 32GB", "meta-llama/Llama-3.3-70B-Instruct", {"engine": "vllm"}),
        ("Tesla P40", "Qwen/Qwen2.5-72B-Instruct", {"engine": "vllm"}),
        ("M4 Max 64GB", "Qwen/Qwen2.5-72B-Instruct", {"engine": "vllm"}),
        ("RTX 3090", "meta-llama/Llama-2-13b-chat-hf", {"context_tokens": 8192}),
    ],
)
def test_a_no_that_more_memory_would_not_lift_names_none(gpu: str, model: str, asked: dict[str, object]) -> None:
    """An old capability, another system or the model's own length refuse a card of any size."""
    said = summary(gpu, model, users=2, **asked)
    assert said.startswith("No") and MEMORY not in said


def test_a_yes_and_a_no_of_the_card_alone_name_no_processor() -> None:
    """Where cards compute everything, the processor beside them is not what a no rests on."""
    assert PROCESSOR not in summary("L4", "Qwen/Qwen3-8B", users=500)
    assert PROCESSOR not in summary("RTX 4090", "Qwen/Qwen3-8B", users=2)


def test_a_version_that_nobody_read_is_not_quoted() -> None:
    """The limits of one that is older than all known ones are said to be those of the oldest of them."""
    said = summary("V100 32GB", "Qwen/Qwen3-8B", users=5, engine="vllm", engine_version="vllm=0.10.0")
    assert "the oldest version that is known here (0.10.0 may differ)" in said
    assert "may differ" not in summary("V100 32GB", "Qwen/Qwen3-8B", users=5, engine="vllm")
