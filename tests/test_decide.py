"""Which of several ways that meet the targets is advised."""

from __future__ import annotations

from itertools import pairwise

import pytest

from advisor.catalog import weights_format
from advisor.pipeline import Answer, recommend
from advisor.report.headline import explanation
from advisor.schema import Judged

SURE = "may miss a target at the slow end of its range"


def asked(gpu: str, users: int) -> Answer:
    """A 70B in production on cards of this kind."""
    return recommend(
        profile="production-api",
        overrides={"model": "meta-llama/Llama-3.3-70B-Instruct", "users": users, "parts": "none", "lengths": "fixed"},
        gpu=gpu,
    )


@pytest.mark.parametrize(("gpu", "users"), [("8x H100", 160), ("8x A100 80GB", 40)])
def test_a_plan_that_is_sure_comes_before_one_with_fewer_cards(gpu: str, users: int) -> None:
    """Eight cards are there: fewer of them would do by the expected figures, but not by the slow end of the range."""
    verdict = asked(gpu, users).verdict
    assert verdict.meets_targets
    assert verdict.confidence == "high"
    doubtful = [one for one in verdict.losers if one.why_lost.endswith(SURE)]
    assert doubtful
    assert verdict.winner is not None
    assert min(len(one.estimate.candidate.gpu_indices) for one in doubtful) < len(
        verdict.winner.estimate.candidate.gpu_indices
    )


def test_no_card_is_spent_where_fewer_are_sure() -> None:
    """Four of eight cards meet the targets at the slow end too, so the other four stay free."""
    verdict = asked("8x H100", 100).verdict
    assert verdict.confidence == "high"
    assert verdict.winner is not None
    assert len(verdict.winner.estimate.candidate.gpu_indices) == 4
    assert any(one.why_lost.endswith("needs more cards") for one in verdict.losers)


@pytest.mark.parametrize(
    ("gpu", "model", "wishes", "most"),
    [
        ("4x RTX 5060 Ti 8GB", "Qwen/Qwen2.5-VL-7B-Instruct", {"users": 5, "tpot_ms": 28, "context_tokens": 8192}, 2),
        (
            "RTX 4070 SUPER + RTX A2000 12GB",
            "allenai/Olmo-3-7B-Think-DPO",
            {"concurrency": 2, "ttft_ms": 1089, "context_tokens": 2979},
            1,
        ),
    ],
)
def test_no_card_is_used_that_makes_nothing_quicker(gpu: str, model: str, wishes: dict[str, int], most: int) -> None:
    """Layers on one more card only add hops: neither a doubtful figure nor a 16-bit KV cache is a reason for it."""
    asked = {"model": model, "engine": "ollama", "parts": "none", **wishes}
    verdict = recommend(profile="chat", overrides=asked, gpu=gpu).verdict
    assert verdict.meets_targets and verdict.winner is not None and cards(verdict.winner) == most
    assert any(one.why_lost.endswith("which make nothing quicker") for one in verdict.losers)


@pytest.mark.parametrize(
    ("severity", "gpu", "asked"),
    [
        ("CRASH", "GTX 1080", {"model": "Qwen/Qwen2.5-1.5B-Instruct", "engine": "vllm"}),
        ("OOM", "RTX 4090", {"model": "meta-llama/Llama-3.3-70B-Instruct", "engine": "vllm"}),
        ("SILENT", "RTX 4090", {"model": "meta-llama/Llama-3.3-70B-Instruct", "engine": "ollama"}),
        ("SILENT", "RTX 4090", {"model": "qwen2.5:7b", "engine": "ollama", "context_tokens": 200_000}),
    ],
)
def test_what_would_not_start_or_be_another_thing_in_silence_is_refused(
    severity: str, gpu: str, asked: dict[str, object]
) -> None:
    """A finding of each of the three severities refuses a way by itself: without it, that way would have been taken."""
    verdict = recommend(profile="desktop", overrides={**asked, "parts": "none"}, gpu=gpu).verdict
    assert (verdict.engine, verdict.winner, verdict.meets_targets) == ("none", None, False)
    told = [{finding.severity for finding in one.findings} & {"CRASH", "OOM", "SILENT"} for one in verdict.losers]
    assert {severity} in told and all(told)
    for refused in (one for one, severities in zip(verdict.losers, told, strict=True) if severities == {severity}):
        assert refused.why_lost == next(f"{f.rule}: {f.message}" for f in refused.findings if f.severity == severity)


def test_layers_on_the_cpu_are_refused_until_somebody_allows_them() -> None:
    """The same way that is refused in silence is planned with `allow_offload`, with the same layers on the CPU."""
    asked = {"model": "meta-llama/Llama-3.3-70B-Instruct", "engine": "ollama", "parts": "none"}
    refused = recommend(profile="desktop", overrides=asked, gpu="RTX 4090").verdict
    allowed = recommend(profile="desktop", overrides={**asked, "allow_offload": True}, gpu="RTX 4090").verdict
    assert refused.winner is None and allowed.winner is not None
    assert refused.losers[0].estimate.candidate.cpu_layers == allowed.winner.estimate.candidate.cpu_layers > 0


@pytest.mark.parametrize(
    ("gpu", "model"), [("RTX 4090", "Qwen/Qwen2.5-14B-Instruct"), ("2x RTX 4090", "Qwen/Qwen2.5-32B-Instruct")]
)
def test_precision_comes_before_speed_and_cards(gpu: str, model: str) -> None:
    """Of ways that meet the targets the most precise is advised, though a rougher one is faster or needs fewer cards."""
    asked = {"model": model, "users": 10, "engine": "vllm", "parts": "none"}
    verdict = recommend(profile="chat", overrides=asked, gpu=gpu).verdict
    assert verdict.meets_targets and verdict.winner is not None
    rougher = [j for j in verdict.losers if j.why_lost == "meets the targets too, but keeps less precision"]
    assert rougher and tier(verdict.winner) == "A" and {tier(one) for one in rougher} <= {"B", "C"}
    assert any(rate(one) > rate(verdict.winner) or cards(one) < cards(verdict.winner) for one in rougher)


def tier(way: Judged) -> str:
    """How much the weights lose: A, B or C."""
    return weights_format(way.estimate.candidate.weights_format).quality_tier


def rate(way: Judged) -> float:
    """Output tokens/s at peak."""
    assert way.estimate.peak_speed is not None
    return way.estimate.peak_speed.output_tokens_per_s.expected


def cards(way: Judged) -> int:
    """Cards in use."""
    return len(way.estimate.candidate.gpu_indices)


@pytest.mark.parametrize(
    ("named", "told", "confidence"),
    [
        ("myorg/llama-3.1-8b-customer-support", "A guess, as myorg/llama-3.1-8b-customer-support", "low"),
        ("someone/Qwen3-8B-FP99", "A guess, as someone/Qwen3-8B-FP99", "low"),
        ("RedHatAI/Qwen3-32B-quantized.w4a16", "vLLM with Qwen/Qwen3-32B (INT4 weights only", "high"),
        ("Qwen/Qwen3-8B", "Ollama with Qwen/Qwen3-8B", "high"),
    ],
)
def test_the_first_line_says_what_is_not_as_named(named: str, told: str, confidence: str) -> None:
    """A model judged by its name alone, or weights of another repository than the named one, begin the answer."""
    answer = recommend(
        profile=None, overrides={"model": named, "users": 1, "offline": True}, gpu="RTX 5090", measurements="none"
    )
    assert answer.verdict.summary.startswith(told)
    assert answer.verdict.confidence == confidence


@pytest.mark.parametrize(
    ("named", "loaded"),
    [
        ("RedHatAI/Qwen3-32B-quantized.w4a16", "qwen3:32b"),
        ("nvidia/Qwen3.8-27B-NVFP4", "qwen3.8:27b"),
        ("Qwen/Qwen3-8B-AWQ", "qwen3:8b"),
    ],
)
def test_other_weights_are_taken_only_where_the_named_ones_cannot_be(named: str, loaded: str) -> None:
    """On a machine where no engine loads the named repository another form is planned, and the first words say so."""
    answer = recommend(profile=None, overrides={"model": named, "offline": True}, gpu="M4 Max 128GB")
    assert f"Not {named} but {loaded}" in answer.verdict.summary


def test_an_engine_that_carries_more_with_a_lever_is_not_left_in_between() -> None:
    """Ollama carries more here with a rounded cache only: it is not left for vLLM at a load between its own two."""
    card, model = "2x nvidia-rtx-1000-ada-laptop-gpu", "ibm-granite/granite-4.0-tiny-preview"
    asked = [{"model": model, "concurrency": load, "parts": "none", "offline": True} for load in (8, 25, 40)]
    verdicts = [recommend(profile="chat", overrides=one, gpu=card).verdict for one in asked]
    assert [one.meets_targets for one in verdicts] == [True] * 3
    assert len({one.engine for one in verdicts}) == 1


@pytest.mark.parametrize(
    ("card", "model", "users"),
    [
        ("2x nvidia-rtx-3080-laptop", "tencent/ContextPilot-E4B", 470),
        ("2x nvidia-rtx-3080-laptop", "google/gemma-4-E4B-it", 600),
        ("RTX 4060", "Qwen/Qwen2.5-7B-Instruct", 500),
        ("RTX 3060 12GB", "Qwen/Qwen2.5-7B-Instruct", 2000),
    ],
)
def test_slots_that_wait_for_cache_are_not_bought_with_cache(card: str, model: str, users: int) -> None:
    """Where far more ask than a card holds, vLLM has at most its own number of slots: each more takes cache."""
    asked = {"model": model, "users": users, "engine": "vllm", "parts": "none", "offline": True}
    winner = recommend(profile="chat", overrides=asked, gpu=card).verdict.winner
    assert winner is not None and winner.estimate.candidate.max_in_flight <= 256


@pytest.mark.parametrize("gpu", ["Gaudi3", "Tesla K80", "TPU v5e", "Jetson Nano 4GB"])
def test_a_card_that_the_engine_cannot_use_is_named(gpu: str) -> None:
    """A plan on the processor beside a card says why, on the screen and for programs."""
    overrides = {"model": "llama3.2:1b", "users": 1, "offline": True}
    answer = recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none", quick=True)
    name = answer.hardware.accelerators[0].name
    assert f"cannot use the {name}" in answer.verdict.summary
    assert f"cannot use the {name}" in " ".join(explanation(answer))


@pytest.mark.parametrize(
    ("gpu", "model"),
    [
        ("2x RTX 3090", "Qwen/Qwen3-14B"),
        ("2x RTX 3090", "openai/gpt-oss-20b"),
        ("3090 + 4090", "meta-llama/Llama-3.1-8B-Instruct"),
        ("4x T4", "qwen3:4b"),
    ],
)
def test_no_card_is_given_back_and_no_doubt_vanishes_as_people_come(gpu: str, model: str) -> None:
    """Ranges are narrower at some larger loads; what is uncertain for fewer people is so for more on the same plan."""
    found = []
    for users in (2, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40, 50, 64, 80, 100):
        overrides = {"model": model, "users": users, "offline": True, "engine": "vllm"}
        found.append(recommend(profile="chat", overrides=overrides, gpu=gpu, measurements="none", quick=True).verdict)
    ways = [one.winner.estimate.candidate for one in found if one.winner is not None and one.meets_targets]
    assert [way.cards_in_all for way in ways] == sorted(way.cards_in_all for way in ways)
    for (one, before), (other, after) in pairwise(zip(found, ways, strict=False)):
        same = (before.weights_format, before.gpu_indices) == (after.weights_format, after.gpu_indices)
        assert not (same and one.confidence == "medium" and other.confidence == "high"), after


@pytest.mark.parametrize(
    ("gpu", "model", "users"),
    [
        ("A100 80GB MIG 3g.40gb", "Qwen/Qwen3-14B", 5),
        ("H100 MIG 1g.10gb", "Qwen/Qwen3-8B", 3),
        ("RTX 4090 + RTX 5090", "Qwen/Qwen3-32B", 10),
        ("8x H100", "deepseek-ai/DeepSeek-R1", 30),
    ],
)
def test_what_nobody_measured_is_not_called_sure(gpu: str, model: str, users: int) -> None:
    """A slice, cards of several kinds in step, a pipeline of three: however wide the range, the confidence is not high."""
    overrides = {"model": model, "users": users, "offline": True}
    verdict = recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none", quick=True).verdict
    assert verdict.meets_targets and verdict.confidence != "high"
