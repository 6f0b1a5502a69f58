"""What the letters of the formulas stand for in an answer, at one load of its plan."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.catalog import formats
from advisor.engines.vllm.speed import FIT, setup
from advisor.estimate import conversations, history_tokens, latency_s
from advisor.models.thinking import first_answer_s, long_thought, thinking, written_tokens
from advisor.physics.memory.kv import bytes_per_element
from advisor.physics.speed.inside import inside, work_of
from advisor.physics.speed.setup import discipline, fitted, left_share, running_sequences
from advisor.physics.speed.step import StepModel
from advisor.pipeline import Answer
from advisor.schema import Load, Plan, Speed

Values = Mapping[str, float]


def values(answer: Answer, load: str) -> Values:
    """Letter → its number in a plan of vLLM with one replica, at the "mean" load, at the "peak" or in the "burst"."""
    plan = answer.plan
    assert plan is not None and plan.engine == "vllm" and plan.estimate.candidate.replicas == 1
    each = plan.estimate
    n, speed = {
        "mean": (each.in_flight, each.speed),
        "peak": (float(each.peak_in_flight), each.peak_speed),
        "burst": (float(each.burst), each.burst_speed),
    }[load]
    assert speed is not None
    return {"n": n, **_asked(plan), **_memory(plan), **_predicted(plan, speed), **_engine(plan, speed, n)}


def targets(plan: Plan, speed: Speed) -> Values:
    """The targets and what is held against them."""
    workload = plan.workload
    assert workload.ttft_ms is not None and workload.tpot_ms is not None
    return {
        "S_T": workload.ttft_ms / 1000, "S_t": workload.tpot_ms / 1000,
        "T_95": speed.ttft_p95_s.expected, "T_h": speed.ttft_p95_s.high,
        "t_95": speed.tpot_p95_s.expected, "t_h": speed.tpot_p95_s.high,
    }  # fmt: skip


def _asked(plan: Plan) -> Values:
    workload, model = plan.workload, plan.model
    return {
        "A": written_tokens(workload, model), "O": thinking(workload, model).tokens,
        "O_95": long_thought(workload, model), "P": workload.input_tokens, "U": workload.users,
        "Z": workload.think_time_s, "p": plan.estimate.peak_in_flight, "v": workload.dispersion,
    }  # fmt: skip


def _memory(plan: Plan) -> Values:
    candidate, memory, model = plan.estimate.candidate, plan.estimate.memory, plan.model
    assert model.kv_heads is not None and model.head_dim is not None
    return {
        "C": candidate.context_tokens, "D": model.head_dim, "H": model.kv_heads, "K": memory.kv_tokens,
        "L": model.layers, "M": candidate.replicas,
        "b": bytes_per_element(candidate.kv_cache_dtype, formats()[candidate.weights_format]),
        "k": memory.kv_bytes_per_token, "m_a": memory.activation_bytes, "m_b": memory.budget_bytes,
        "m_o": memory.overhead_bytes, "m_w": memory.weights_bytes, "s": memory.full_sequences,
        "u": candidate.tensor_parallel,
    }  # fmt: skip


def _predicted(plan: Plan, speed: Speed) -> Values:
    warm, cold = speed.ttft_warm_s, speed.ttft_cold_s
    assert warm is not None and cold is not None
    return {
        "E": speed.kept_share or 0.0, "R": latency_s(speed, written_tokens(plan.workload, plan.model)),
        "T": speed.ttft_s.expected, "T_c": cold.expected, "T_w": warm.expected,
        "X": speed.output_tokens_per_s.expected, "Y": first_answer_s(speed, plan.workload, plan.model).expected,
        "t": speed.tpot_s.expected, **targets(plan, speed),
    }  # fmt: skip


def _engine(plan: Plan, speed: Speed, n: float) -> Values:
    """Inside the engine: the step of this model on these cards, and what `n` requests make of it."""
    candidate, workload, model = plan.estimate.candidate, plan.workload, plan.model
    ready = setup(candidate, plan.hardware, model)
    assert ready is not None
    asked = Load(
        in_flight=n, input_tokens=workload.input_tokens, output_tokens=written_tokens(workload, model),
        shared_prefix_tokens=workload.shared_prefix_tokens,
    )  # fmt: skip
    held = running_sequences(ready.prepared.facts, plan.estimate.memory, candidate, asked)
    idle = (held - min(n, candidate.max_in_flight, held)) * left_share(ready.prepared.facts, asked)
    rule = discipline(fitted(FIT), candidate.max_in_flight, candidate.max_batched_tokens, sequences=held)
    rule = rule.for_prompt(workload.input_tokens)
    shared, history = workload.shared_prefix_tokens, history_tokens(workload, model)
    cached = shared + (speed.kept_share or 0.0) * (history - shared)
    work = work_of(asked.input_tokens, asked.output_tokens, cached)
    point = inside(ready.step, rule, max(n, 1.0), work)
    return {
        **_step(ready.step, work.prompt), "B": point.batch, "F": idle, "N": work.prompt, "Q": point.queue_s,
        "V": conversations(n, workload), "c": ready.step.own_s(work.context), "d": point.decode_s,
        "e": rule.serial_s, "f": point.prefill_s, "g": rule.burst, "i": point.alone_s,
        "o": rule.request_s + rule.serial_s, **_prompts(ready.step, plan, shared, history),
    }  # fmt: skip


def _prompts(step: StepModel, plan: Plan, shared: float, history: float) -> Values:
    """Prompts on an idle engine: of new conversations, of those that go on, and a long one of those."""
    prompt, workload = plan.workload.input_tokens, plan.workload
    long = min(workload.prompt_p95 * (prompt - history), plan.estimate.candidate.context_tokens)
    return {
        "i_c": step.first_token_s(prompt - shared, shared), "i_w": step.first_token_s(prompt - history, history),
        "i_95": step.first_token_s(long, history),
    }  # fmt: skip


def _step(step: StepModel, tokens: float) -> Values:
    return {
        "G": step.chunk_tokens, "a": step.overhead_s, "j": step.attention_s, "l": step.all_reduce_token_s,
        "q": step.dense_s if tokens < step.chunk_tokens else 0.0, "r": step.dense_s, "x": step.token_s,
        "y": step.prefill_token_s, "z": step.sharpness,
    }  # fmt: skip
