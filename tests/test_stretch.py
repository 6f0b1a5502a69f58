"""A context beyond the trained one: planned where the model's card stretches it, by the engine that can be told."""

from __future__ import annotations

import json

import pytest

from advisor.catalog import constants, models
from advisor.models.names import find_model
from advisor.models.stretch import longest_context, stretch
from advisor.pipeline import Answer, recommend
from advisor.search.bounds import worth_a_look

CARDS = tuple(constants("stretch")["models"])


def asked(model: str, gpu: str, context: int, **more: object) -> Answer:
    """What `recommend` says of two people with such a context."""
    overrides = {"model": model, "users": 2, "context_tokens": context, "offline": True, **more}
    return recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none", quick=True)


@pytest.mark.parametrize("name", CARDS)
def test_no_card_is_stretched_further_than_it_says(name: str) -> None:
    """Four times the 32,768 tokens of the training, with the smallest factor that the context needs; nothing beyond."""
    model = find_model(name, offline=True)
    assert model.context_trained < longest_context(model) == 131072
    assert stretch(model, model.context_trained) is None and stretch(model, 131073) is None
    for context, factor in ((49152, 1.5), (65536, 2.0), (100_000, 3.5), (131072, 4.0)):
        found = stretch(model, context)
        assert found is not None and found["rope_parameters"]["factor"] == factor
        assert found["max_position_embeddings"] >= context


def test_others_are_not_stretched() -> None:
    """What no card speaks of keeps its trained context."""
    for model in models():
        if model.hf_id not in CARDS:
            assert longest_context(model) == model.context_trained, model.hf_id


@pytest.mark.parametrize(
    ("model", "gpu"),
    [("Qwen/Qwen2.5-7B-Instruct", "RTX 4090"), ("Qwen/Qwen3-8B", "A100 80GB"), ("Qwen/Qwen3-30B-A3B", "H100"),
     ("Qwen/QwQ-32B", "H100"), ("Qwen/Qwen2.5-Coder-32B-Instruct", "2x H100")],
)  # fmt: skip
def test_a_long_context_is_planned_with_the_engine_that_can_be_told(model: str, gpu: str) -> None:
    """vLLM gets the factor as an argument, the answer says so, and Ollama is refused for it."""
    answer = asked(model, gpu, 131072)
    assert answer.verdict.meets_targets and answer.plan is not None and answer.plan.engine == "vllm"
    values = {setting.name: setting.value for setting in answer.plan.settings}
    assert json.loads(values["--hf-overrides"] or "")["rope_parameters"]["rope_type"] == "yarn"
    assert values["--max-model-len"] == "131072"
    assert "FIT124" in {finding.rule for finding in answer.verdict.reasons}
    assert not asked(model, gpu, 131072, engine="ollama").verdict.meets_targets


@pytest.mark.parametrize("context", [8192, 32768])
def test_within_the_trained_context_nothing_is_stretched(context: int) -> None:
    """A factor that short prompts pay for is not taken where nobody needs it."""
    answer = asked("Qwen/Qwen2.5-7B-Instruct", "RTX 4090", context)
    assert answer.plan is not None
    assert "--hf-overrides" not in {setting.name for setting in answer.plan.settings}


def test_a_search_looks_at_stretched_contexts() -> None:
    """The bounds that spare a search a model know of it."""
    answer = asked("Qwen/Qwen3-8B", "A100 80GB", 131072)
    from advisor.measured.store import measurements_from
    from advisor.schema import Question

    question = Question(model=answer.model, workload=answer.workload, hardware=answer.hardware,
                        measurements=measurements_from("none"))  # fmt: skip
    assert worth_a_look(question)
