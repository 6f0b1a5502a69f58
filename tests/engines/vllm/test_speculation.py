"""Drafted tokens: offered for one to few users where the model has a head for them, with memory and gain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from advisor.catalog import constants, models
from advisor.engines.vllm.speculation import Drafter, gain, head_bytes
from advisor.models.names import find_model
from advisor.pipeline import recommend
from advisor.units import GIB


def answered(gpu: str, model: str, *, offline: bool = True, **options: Any) -> Any:
    """What `recommend` says of vLLM."""
    asked = {"model": model, "engine": "vllm", "concurrency": 1, "context_tokens": 16_384, **options}
    return recommend(profile="chat", overrides={**asked, "offline": offline}, gpu=gpu, measurements="none")


def drafting(answer: Any) -> tuple[dict[str, Any], str]:
    """The value of --speculative-config and its reason; empty: there is none."""
    rows = [row for row in answer.plan.settings if row.name == "--speculative-config"]
    return (json.loads(rows[0].value), rows[0].because) if rows else ({}, "")


@pytest.mark.parametrize(
    ("gpu", "model", "form", "tokens"),
    [
        ("2x RTX 3090", "Qwen/Qwen3.8-27B-FP8", "auto", 3),
        ("A100 80GB", "Qwen/Qwen3.5-27B", "auto", 1),
        ("H100", "Qwen/Qwen3.6-27B", "auto", 3),
        ("RTX 4090", "Qwen/Qwen3.5-9B", "bf16", 1),  # the maker's own weights: copies may lack the head
        ("RTX 3090", "Qwen/Qwen3.5-4B", "bf16", 1),
        ("RTX 4090", "Qwen/Qwen3.5-2B", "auto", 1),
    ],
)
def test_a_model_drafts_for_itself(gpu: str, model: str, form: str, tokens: int) -> None:
    """One person gets the model's own head with as many tokens as its recipe drafts, its memory and a range of gain."""
    value, because = drafting(answered(gpu, model, quantization=form))
    assert value == {"method": "mtp", "num_speculative_tokens": tokens}
    assert "times as fast" in because and "GiB and leaves room for" in because


def test_the_gain_is_what_was_seen() -> None:
    """A 27B with three drafts went from 71 to 131 to 155 tokens/s on one card: 1.85 to 2.2 times, within the range."""
    least, most = gain(find_model("Qwen/Qwen3.8-27B", offline=True), Drafter("mtp", 3))
    assert least <= 1.85 and most >= 2.18


@pytest.mark.parametrize(
    ("gpu", "model", "options"),
    [
        ("H100", "Qwen/Qwen3.6-27B", {"concurrency": 32}),  # many at once
        ("RTX 4090", "Qwen/Qwen2.5-7B-Instruct", {}),  # no head
        ("RTX 5090", "cyankiwi/Qwen3.8-27B-AWQ-INT4", {"context_tokens": 8192}),  # a copy may lack it
        ("RTX 4090", "meta-llama/Llama-3.1-8B-Instruct", {}),  # a drafter would be fetched
    ],
)
def test_no_drafts_where_they_are_no_help(gpu: str, model: str, options: dict[str, Any]) -> None:
    """Not for a crowd, not without a head, not from somebody's copy, and no other repository offline."""
    assert drafting(answered(gpu, model, **options))[0].get("method") in (None, "ngram")


def test_experts_cost_what_they_wake() -> None:
    """Four tokens wake more experts than one: a mixture gains less than a dense model with the same head."""
    dense, mixture = (find_model(name, offline=True) for name in ("Qwen/Qwen3.6-27B", "Qwen/Qwen3.6-35B-A3B"))
    assert gain(mixture, Drafter("mtp", 3))[1] < gain(dense, Drafter("mtp", 3))[1]


def test_the_check_of_the_start_counts_the_drafter() -> None:
    """The KV cache that the checklist waits for is smaller than the plan's by what drafts take."""
    answer = answered("2x RTX 3090", "Qwen/Qwen3.8-27B-FP8")
    expected = next(check.expect for check in answer.plan.checks if check.id == "after-kv")
    assert int(expected.split(",")[0]) < answer.verdict.winner.estimate.memory.kv_tokens


def test_heads_are_of_models_that_are_known() -> None:
    """Every head and every drafter belongs to a model of the catalogue, takes memory and drafts a few tokens."""
    known, table = {model.hf_id: model for model in models()}, constants("speculation")
    for name, tokens in table["heads"].items():
        assert 1 <= tokens <= 8 and 0 < head_bytes(known[name], Drafter("mtp", tokens)) < 60 * GIB
    assert set(table["drafters"]) <= set(known)
