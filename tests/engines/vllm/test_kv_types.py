"""8-bit KV caches of vLLM: on which cards, and for which models, the pinned version's attention reads them."""

from __future__ import annotations

import pytest

from advisor.engines.vllm.kv_types import takes_fp8_kv
from advisor.measured.correction import Measurements
from advisor.models.names import find_model
from advisor.probe.simulate import simulate
from advisor.schema import Question
from advisor.verdict import verdict_for
from advisor.workload import load_workload


@pytest.mark.parametrize(
    ("card", "model", "taken"),
    [
        ("RTX 3090", "Qwen/Qwen3.8-27B", True),
        ("A100 80GB", "meta-llama/Llama-3.1-8B-Instruct", True),
        ("RTX A5000", "ibm-granite/granite-3.3-8b-instruct", True),
        ("RTX 3090", "microsoft/Phi-3.5-mini-instruct", False),  # heads of 96
        ("A100 80GB", "openai/gpt-oss-20b", False),  # attention sinks
        ("RTX 3090", "google/gemma-4-31B-it", False),  # heads of two sizes: vLLM takes Triton
        ("RTX 3090", "google/gemma-3-27b-it", False),  # pictures are attended to both ways
        ("A100 80GB", "deepseek-ai/DeepSeek-V2-Lite-Chat", False),  # latent attention has types of its own
        ("RTX 2080 Ti", "Qwen/Qwen3.8-27B", False),
        ("RTX 4090", "openai/gpt-oss-20b", True),
        ("RTX 4090", "google/gemma-4-31B-it", True),
        ("MI300X", "Qwen/Qwen3.8-27B", True),
    ],
)
def test_eight_bit_caches_where_attention_reads_them(card: str, model: str, taken: bool) -> None:
    """From compute capability 8.9 any kernel reads an FP8 cache; on 8.0 to 8.8 only FlashInfer's, for its models."""
    assert takes_fp8_kv(simulate(card).accelerators, find_model(model, offline=True)) is taken


def test_two_3090_hold_the_whole_context_of_a_27b() -> None:
    """262,144 tokens of Qwen3.8-27B in FP8 fit two RTX 3090 with an 8-bit cache: measured 270,930 and 302,921 tokens."""
    model = find_model("Qwen/Qwen3.8-27B-FP8", offline=True)
    asked = {"model": model.hf_id, "engine": "vllm", "concurrency": 1, "context_tokens": 262_144, "quantization": "fp8"}
    question = Question(
        model=model,
        workload=load_workload("chat", asked),
        hardware=simulate("2x RTX 3090"),
        measurements=Measurements(),
    )
    verdict = verdict_for(question)
    assert verdict.meets_targets and verdict.winner is not None
    assert verdict.winner.estimate.candidate.kv_cache_dtype == "fp8"
    assert 262_144 <= verdict.winner.estimate.memory.kv_tokens <= 310_000
