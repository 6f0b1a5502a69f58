"""Situations that people reported in public, with what is right for them; each row stands for its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from advisor.pipeline import Answer, recommend

MACHINES = Path(__file__).parent / "data" / "machines"


class Case(NamedTuple):
    """A question as it is typed, whether it is a yes, and settings that a plan must have."""

    source: str  # where it was reported, or the practice it stands for
    machine: str  # as --gpu takes it, or a recorded machine of `data/machines`
    asked: Mapping[str, Any]
    meets: bool = True
    settings: Mapping[str, str | None] = {}
    profile: str | None = None


def at_most(answer: Answer, name: str) -> int:
    """The number that a setting of the plan has."""
    assert answer.plan is not None
    return int(next(each.value or 0 for each in answer.plan.settings if each.name == name))


VLLM = {"engine": "vllm"}
ONE = {"engine": "vllm", "concurrency": 1}
TWO_CARDS = {"--tensor-parallel-size": "2"}
CASES = (
    Case("club-3090, dual FP8 compose: 8-bit KV from compute capability 8.0", "2x RTX 3090",
         ONE | {"model": "Qwen/Qwen3.8-27B-FP8", "context_tokens": 262144}, settings={"--kv-cache-dtype": "fp8"}),
    Case("another card of that generation", "2x RTX A5000",
         ONE | {"model": "Qwen/Qwen3.8-27B-FP8", "context_tokens": 262144}, settings={"--kv-cache-dtype": "fp8"}),
    Case("club-3090#347: unequal cards of one size", "RTX A5000 + RTX 3090",
         ONE | {"model": "Qwen/Qwen3.6-27B", "quantization": "fp8", "context_tokens": 32768}, settings=TWO_CARDS),
    Case("vllm#4998: unequal cards of two generations", "3090 + 4090",
         {"model": "Qwen/Qwen3-32B", "concurrency": 4, "context_tokens": 16384}, settings=TWO_CARDS),
    Case("another pair of two generations", "RTX 4090 + RTX 3090 Ti",
         {"model": "Qwen/Qwen3-32B", "concurrency": 4, "context_tokens": 16384}, settings=TWO_CARDS),
    Case("ollama#12247: an embedder beside the model", "RTX 4090",
         {"model": "qwen3:8b", "engine": "ollama", "users": 3, "beside": "bge-m3"},
         settings={"OLLAMA_MAX_LOADED_MODELS": "2"}, profile="rag"),
    Case("our own trial: an embedding model under the default profile", "RTX 4090",
         {"model": "BAAI/bge-m3", "users": 20}, settings={"--runner": "pooling"}),
    Case("another embedding model", "L4",
         {"model": "BAAI/bge-en-icl", "users": 5}, settings={"--runner": "pooling"}),
    Case("vllm#49816: a desktop on one of two equal cards", "2x3090-desktop-on-one.json",
         {"model": "Qwen/Qwen3-32B", "concurrency": 4, "context_tokens": 32768},
         settings={"--gpu-memory-utilization": "0.88"}),
    Case("cognithor PR#318: WSL2 keeps 1.7 GiB of the card", "wsl2-5090.json",
         {"model": "Qwen/Qwen3-14B", "concurrency": 4, "context_tokens": 16384},
         settings={"--gpu-memory-utilization": "0.92"}),
    Case("vllm#41695: FP8 weights that do not fit", "RTX 5090",
         ONE | {"model": "Qwen/Qwen3-Coder-30B-A3B-Instruct", "quantization": "fp8", "context_tokens": 16384},
         meets=False),
    Case("vllm#10517: 29,000 tokens of an 8B model on 24 GB", "RTX 3090",
         ONE | {"model": "meta-llama/Llama-3.1-8B-Instruct", "quantization": "bf16", "context_tokens": 29000}),
    Case("vllm#13061: 131,072 tokens fit with an 8-bit cache only", "2x RTX 4090",
         ONE | {"model": "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", "quantization": "bf16", "context_tokens": 131072},
         settings={"--kv-cache-dtype": "fp8"}),
    Case("ollama#11688: experts that would run on the processor", "RTX 3060 12GB",
         {"model": "gpt-oss:20b", "engine": "ollama", "users": 1}, meets=False),
    Case("the same, allowed", "RTX 3060 12GB",
         {"model": "gpt-oss:20b", "engine": "ollama", "users": 1, "allow_offload": True}),
    Case("model card of DeepSeek-V3-AWQ: 8 cards of 80 GB", "8x H100",
         VLLM | {"model": "deepseek-ai/DeepSeek-V3", "users": 20}),
    Case("the same on a card without FP8 arithmetic", "8x A100 80GB",
         VLLM | {"model": "deepseek-ai/DeepSeek-V3", "users": 20}),
    Case("vllm#20821: Kimi-K2 in 4 bit on 8 H100", "8x H100",
         VLLM | {"model": "moonshotai/Kimi-K2-Instruct", "users": 20}),
    Case("vLLM recipes: Mistral Large 3 in NVFP4", "8x H100",
         VLLM | {"model": "mistralai/Mistral-Large-3-675B-Instruct-2512", "users": 20}),
    Case("an FP8 checkpoint on cards that cannot read FP8, in 4 bit", "8x RX 7900 XTX",
         VLLM | {"model": "MiniMaxAI/MiniMax-M2.5", "users": 3, "context_tokens": 65536}),
)  # fmt: skip


def answered(case: Case) -> Answer:
    """What the product says of it."""
    recorded = case.machine.endswith(".json")
    return recommend(
        profile=case.profile,
        overrides=dict(case.asked) | {"offline": True},
        gpu=None if recorded else case.machine,
        hardware_file=MACHINES / case.machine if recorded else None,
        others=False,
        measurements="none",
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_a_reported_situation_is_judged_right(case: Case) -> None:
    """Yes or no as it was reported, with the settings that made it run; every no has a remedy."""
    answer = answered(case)
    assert answer.verdict.meets_targets == case.meets, answer.verdict.summary
    assert answer.verdict.meets_targets or answer.verdict.nearest_yes
    given = {each.name: each.value for each in answer.plan.settings} if answer.plan else {}
    assert {name: given.get(name) for name in case.settings} == case.settings


STATES = (  # state blocks counted at a memory share of 0.95; a plan's share is smaller, and its blocks fewer
    ("H100", "Qwen/Qwen3.6-27B-FP8", "fp8", 800, 856),
    ("RTX PRO 6000 Blackwell Max-Q", "Qwen/Qwen3.8-27B", "bf16", 500, 556),
    ("RTX PRO 6000 Blackwell Max-Q", "Qwen/Qwen3.8-27B", "fp8", 1000, 939),
)


@pytest.mark.parametrize(("gpu", "model", "weights", "concurrency", "blocks"), STATES)
def test_no_more_sequences_than_state_blocks(gpu: str, model: str, weights: str, concurrency: int, blocks: int) -> None:
    """vLLM aborts where a hybrid model's sequences exceed its state blocks (recipes PR#551 and PR#831)."""
    asked = {"model": model, "quantization": weights, "engine": "vllm", "concurrency": concurrency}
    answer = answered(Case("", gpu, asked, profile="batch"))
    assert at_most(answer, "--max-num-seqs") <= blocks


FREE: tuple[tuple[str, Mapping[str, Any], Callable[[str], bool]], ...] = (
    ("wsl2-2x3090-full.json", {"model": "Qwen/Qwen3.8-27B"}, lambda line: "wsl --shutdown" in line),
    ("wsl2-2x3090-full.json", {"model": "Qwen/Qwen3-14B"}, lambda line: "wsl --shutdown" in line),
    ("5060ti-driver570.json", {"model": "Qwen/Qwen3-8B"} | VLLM, lambda line: "driver to 580" in line),
    ("5060ti-driver570.json", {"model": "Qwen/Qwen3-4B"} | VLLM, lambda line: "driver to 580" in line),
)


@pytest.mark.parametrize(("machine", "asked", "first"), FREE)
def test_the_first_remedy_costs_nothing(machine: str, asked: Mapping[str, Any], first: Callable[[str], bool]) -> None:
    """Held memory (club-3090#1134) and an old driver (FunASR#2973) are mended before anything is bought."""
    answer = answered(Case("", machine, asked))
    assert not answer.verdict.meets_targets
    assert first(answer.verdict.nearest_yes[0].change)
