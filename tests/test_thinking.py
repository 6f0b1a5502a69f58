"""Models that think before they answer: what is planned, what it costs, and what makes them do so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import constants, models
from advisor.models.names import find_model
from advisor.models.thinking import first_answer_s, thinking, thinks, with_room, written_tokens
from advisor.pipeline import Answer, recommend
from advisor.report.document import document
from advisor.schema import Workload
from advisor.workload import load_workload

CHAT, BATCH = load_workload("chat", {}), load_workload("batch", {})
THINKERS = [model for model in models() if thinks(model)]


def asked(gpu: str, model: str, **given: object) -> Answer:
    """The answer for twenty people who chat, unless more is said."""
    overrides = {"offline": True, "parts": "none", "users": 20, "model": model, **given}
    return recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none")


@pytest.mark.parametrize(
    ("model", "level", "tokens", "template", "effort"),
    [
        ("Qwen/Qwen3-8B", "none", 0, {"enable_thinking": False}, "none"),
        ("Qwen/Qwen3.6-27B", "none", 0, {"enable_thinking": False}, "none"),
        ("moonshotai/Kimi-K2.6", "none", 0, {"thinking": False}, "none"),
        ("google/gemma-4-31B-it", "none", 0, {}, None),
        ("openai/gpt-oss-20b", "low", 300, {}, "low"),
        ("Qwen/Qwen3-4B-Thinking-2507", "usual", 1200, {}, None),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "usual", 1200, {}, None),
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", "usual", 1200, {}, None),
        ("MiniMaxAI/MiniMax-M2", "usual", 1200, {}, None),
        ("Qwen/Qwen2.5-7B-Instruct", "none", 0, {}, None),
    ],
)
def test_the_least_is_planned_where_somebody_waits(
    model: str, level: str, tokens: int, template: dict[str, object], effort: str | None
) -> None:
    """Off where the template can, low where an effort can, else what the model does by itself: four times its answer."""
    plan = thinking(CHAT, find_model(model, offline=True))
    assert (plan.level, plan.tokens, plan.template, plan.effort) == (level, tokens, template, effort)


def test_nobody_waits_for_a_queue() -> None:
    """Without a target a model does what it does by itself, and nothing has to be said for that."""
    for model in THINKERS:
        plan = thinking(BATCH, model)
        assert plan.tokens in (0, 4 * BATCH.output_tokens)
        assert not plan.template and plan.effort is None


@pytest.mark.parametrize("model", THINKERS, ids=lambda model: model.hf_id)
def test_every_model_that_thinks_has_a_plan(model: object) -> None:
    """Each model of the catalogue that thinks gets a plan: the least is never more than what it does by itself."""
    assert thinking(CHAT, model).tokens <= 4 * CHAT.output_tokens  # type: ignore[arg-type]


def test_the_table_names_model_types_that_there_are() -> None:
    """Every model_type of the table is that of a model in the catalogue which thinks."""
    known = {model.model_type for model in THINKERS}
    assert {*constants("thinking")["switch"], *constants("thinking")["effort"]} <= known


@given(tokens=st.integers(0, 100_000))
def test_what_is_given_counts(tokens: int) -> None:
    """`--reasoning-tokens` count as given where the model thinks; 0 asks for the least; other models never think."""
    hybrid, plain = (find_model(name, offline=True) for name in ("Qwen/Qwen3-8B", "Qwen/Qwen2.5-7B-Instruct"))
    workload = replace(CHAT, reasoning_tokens=tokens)
    assert thinking(workload, hybrid).tokens == tokens
    assert thinking(workload, plain).tokens == 0
    assert written_tokens(workload, hybrid) == CHAT.output_tokens + tokens


@given(tokens=st.integers(0, 200_000))
def test_the_context_holds_the_thought(tokens: int) -> None:
    """Prompt, thought and answer fit in the planned context, as far as the model was trained for it."""
    model = find_model("Qwen/Qwen3-8B", offline=True)
    workload: Workload = with_room(replace(CHAT, reasoning_tokens=tokens), model)
    need = CHAT.input_tokens + CHAT.output_tokens + tokens
    assert workload.context_tokens >= min(need, model.context_trained)
    assert workload.context_tokens >= CHAT.context_tokens


def test_thought_takes_time_and_a_target_of_its_own() -> None:
    """More thought means more in flight, the same first token, a later answer, and a no where that is too late."""
    little, much = (asked("H100", "openai/gpt-oss-20b", reasoning_tokens=tokens) for tokens in (100, 4000))
    before, after = (document(answer, ())["plan"]["predicted_at_peak"] for answer in (little, much))
    assert after["in_flight"] > before["in_flight"]
    assert after["first_answer_p95_s"]["expected"] > 5 * before["first_answer_p95_s"]["expected"]
    late = asked("H100", "openai/gpt-oss-20b", reasoning_tokens=4000, first_answer_ms=5000)
    assert not late.verdict.meets_targets
    assert any(finding.rule == "SPD212" for finding in late.verdict.reasons)
    assert asked("H100", "openai/gpt-oss-20b", reasoning_tokens=4000, first_answer_ms=500_000).verdict.meets_targets


def test_without_thought_the_answer_is_the_first_token() -> None:
    """Where nothing is thought, the first token of the answer is the first token."""
    answer = asked("RTX 4090", "Qwen/Qwen2.5-7B-Instruct")
    assert answer.verdict.winner is not None and answer.verdict.winner.estimate.peak_speed is not None
    speed = answer.verdict.winner.estimate.peak_speed
    assert first_answer_s(speed, answer.workload, answer.model) == speed.ttft_p95_s


def test_each_engine_is_told_in_its_own_way() -> None:
    """vLLM's template is told once for all; to Ollama each request says it, and the answer says so."""
    vllm = asked("RTX 4090", "Qwen/Qwen3-8B", engine="vllm")
    ollama = asked("RTX 4090", "Qwen/Qwen3-8B", engine="ollama")
    assert vllm.plan is not None and ollama.plan is not None
    argv = vllm.plan.launch.argv
    assert argv[argv.index("--default-chat-template-kwargs") + 1] == '{"enable_thinking": false}'
    said = {finding.rule: finding.message for finding in ollama.plan.findings}
    assert 'reasoning_effort: "none"' in said["SVC310"]
