"""A model is planned for what it makes: text or vectors, whatever the question forgot to say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.catalog import models
from advisor.errors import BadInput
from advisor.models.names import find_model
from advisor.models.purpose import purpose
from advisor.pipeline import recommend

VECTORS = tuple(spec.hf_id for spec in models() if "embedding" in spec.tags)
TEXT = replace(find_model("Qwen/Qwen3-8B", offline=True), origin="hub")


@pytest.mark.parametrize("model", VECTORS)
@pytest.mark.parametrize("asked", [{"users": 20}, {"concurrency": 3}, {"request_rate": 2.0, "task": "chat"}])
def test_a_model_that_makes_vectors_is_planned_as_one(model: str, asked: dict[str, object]) -> None:
    """Without a named profile the load is that of an embedding service, and a plan of vLLM starts its pooling runner."""
    answer = recommend(profile=None, overrides={**asked, "model": model, "offline": True}, gpu="RTX 4090")
    assert (answer.workload.kind, answer.workload.output_tokens) == ("embed", 1)
    assert (
        answer.plan is None
        or answer.plan.engine != "vllm"
        or "--runner" in {setting.name for setting in answer.plan.settings}
    )


@pytest.mark.parametrize("profile", ["chat", "rag", "batch"])
def test_a_profile_that_asks_it_for_text_is_refused(profile: str) -> None:
    """The contradiction is told with the way out, and so is a task that would pick such a model."""
    for asked in ({"model": "BAAI/bge-m3"}, {"task": "embed"}):
        with pytest.raises(BadInput, match="--profile embedding"):
            recommend(profile=profile, overrides=asked, gpu="RTX 4090")


@pytest.mark.parametrize(
    ("name", "architecture", "makes"),
    [
        ("Qwen/Qwen3-8B", "Qwen3ForCausalLM", "text"),
        ("openai-community/gpt2", "GPT2LMHeadModel", "text"),
        ("me/mine", "XLMRobertaModel", "vectors"),
        ("me/mine", "ModernBertForMaskedLM", "vectors"),
        ("me/mine", "XLMRobertaForSequenceClassification", "scores"),
        ("Qwen/Qwen3-Reranker-0.6B", "Qwen3ForCausalLM", "scores"),
        ("Qwen/Qwen3-Embedding-0.6B", "Qwen3ForCausalLM", "vectors"),
        ("Alibaba-NLP/gte-Qwen2-7B-instruct", "Qwen2ForCausalLM", "vectors"),
    ],
)
def test_architecture_and_name_tell_what_it_makes(name: str, architecture: str, makes: str) -> None:
    """What the catalogue does not hold is told by how such models are built and called."""
    assert purpose(replace(TEXT, hf_id=name, architecture=architecture)) == makes


def test_the_catalogue_is_told_apart() -> None:
    """Every entry makes vectors exactly where its tag says so."""
    for spec in models():
        assert (purpose(spec) == "vectors") == ("embedding" in spec.tags), spec.hf_id
