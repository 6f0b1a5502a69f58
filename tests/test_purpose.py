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


@pytest.mark.parametrize(("profile", "users"), [("chat", 20), ("classroom", 30), ("production-api", 100)])
@pytest.mark.parametrize("model", ["BAAI/bge-m3", "Qwen/Qwen3-Embedding-4B", "nomic-ai/nomic-embed-text-v1.5"])
def test_whatever_profile_is_named_it_is_planned_as_one(profile: str, users: int, model: str) -> None:
    """A profile of text gives its people; what was typed counts before them."""
    for typed, key, load in (({}, "users", users), ({"users": 7}, "users", 7), ({"concurrency": 3}, "concurrency", 3)):
        asked = {"model": model, "offline": True, **typed}
        workload = recommend(profile=profile, overrides=asked, gpu="L4", others=False, quick=True).workload
        assert (workload.kind, workload.output_tokens, getattr(workload, key)) == ("embed", 1, load)


@pytest.mark.parametrize("profile", ["chat", "rag", "batch"])
def test_a_profile_of_text_and_a_task_of_vectors_exclude_each_other(profile: str) -> None:
    """The contradiction is told with the way out."""
    with pytest.raises(BadInput, match="--profile embedding"):
        recommend(profile=profile, overrides={"task": "embed"}, gpu="RTX 4090")


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
