"""The engines' `rates.py` and `physics/speed/step.py` for many configurations at once.

The same formulas a second time, because a fit of one after the other takes many times as long; a test holds the two to
each other on every measurement. Processors, layers on the CPU and several machines are left out of the fit, and here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from advisor.calibrate.columns import Columns, Setups, Vector
from advisor.engines.llamacpp.rates import FP32_REFERENCE
from advisor.physics.speed.rates import MOST
from advisor.physics.speed.step import ALL_REDUCES_PER_LAYER, SHARPNESS, limited_power

Values = Mapping[str, float]


def soft_max(a: Vector, b: Vector) -> Vector:
    """`step.soft_max`."""
    return (a**SHARPNESS + b**SHARPNESS) ** (1.0 / SHARPNESS)


def product(
    values: Values, setups: Setups, name: str, *, family: bool = True, kernel: bool = True, backend: bool = False
) -> Vector:
    """`rates.product`: base, times the factors of family, kernel and back end."""
    result = np.full(len(setups.ollama), values[name])
    qualifiers = ((family, setups.families), (kernel, setups.kernels), (backend, setups.backends))
    for wanted, (names, place) in qualifiers:
        if wanted:
            result = result * np.array([values.get(f"{name}.{one}", 1.0) for one in names])[place]
    return result


def _by_kind(
    values: Values, setups: Setups, name: str, *, family: bool = False, kernel: bool = False, backend: bool = False
) -> Vector:
    factors = product(values, setups, name, family=family, kernel=kernel, backend=backend)
    return factors * np.where(setups.facts.expert_bytes > 0, values[f"{name}.moe"], values[f"{name}.dense"])


def _overhead(values: Values, setups: Setups, slower: Vector) -> Vector:
    facts = setups.facts
    layers = (
        1.0 + values["overhead_layers"] * facts.layers + values["overhead_sparse_layers"] * facts.sparse_layers
        + values["overhead_linear_layers"] * facts.linear_layers
    )  # fmt: skip
    return slower * product(values, setups, "overhead_s", kernel=False) * layers


def _vllm(values: Values, setups: Setups, better: Vector, slower: Vector) -> Columns:
    device, known = setups.device, setups.known
    reading = np.minimum(product(values, setups, "bandwidth") * better, MOST)
    compute = np.minimum(product(values, setups, "compute") * values["compute_per_year"] ** -setups.known.age, MOST)
    weights, many = device.bandwidth * reading, device.cards > 1
    experts = np.minimum(product(values, setups, "expert_bandwidth", family=False), MOST / reading)
    names, place = setups.links
    latency = np.array([values.get(f"all_reduce_s.{name}", 0.0) for name in names])[place]
    share = np.array([values.get(f"link.{name}", 0.0) for name in names])[place]
    own_way = np.where(np.array([name == "nvlink" for name in names])[place], 1.0, 2.0 / np.maximum(device.cards, 2.0))
    decode = _by_kind(values, setups, "decode_compute", kernel=True)
    return Columns(
        bytes_per_s=weights,
        expert_bytes_per_s=weights * experts,
        decode_flops=known.peak * np.minimum(compute * decode, MOST),
        prefill_flops=known.peak * np.minimum(compute * _by_kind(values, setups, "prefill_compute"), MOST),
        overhead_s=_overhead(values, setups, slower),
        sequence_s=slower * product(values, setups, "sequence_s", kernel=False),
        vector_growth=np.zeros(len(many)),
        expert_growth=np.zeros(len(many)),
        all_reduce_s=np.where(many, slower * latency * device.cards**0.5, 0.0),
        link_bytes_per_s=np.where(many, device.link_bytes_per_s * share * own_way, 1.0),
    )


def _llamacpp(values: Values, setups: Setups, better: Vector, slower: Vector) -> Columns:
    device = setups.device
    reading = np.minimum(product(values, setups, "bandwidth", kernel=False, backend=True) * better, MOST)
    reading = reading * device.bandwidth
    unpacking = product(values, setups, "unpack_bytes_per_s")
    unpacking = unpacking * (device.flops_32 / FP32_REFERENCE) ** values["unpack_power"]
    names, place = setups.kernels
    plain = np.array([name == "16" for name in names])[place]
    reading = np.where(plain, reading, 1.0 / (1.0 / reading + 1.0 / unpacking))
    compute = np.minimum(product(values, setups, "compute", backend=True) * better, MOST)
    growth = product(values, setups, "vector_growth", backend=True)
    decode = _by_kind(values, setups, "decode_compute", family=True)
    prefill = _by_kind(values, setups, "prefill_compute", family=True, kernel=True, backend=True)
    backends, at = setups.backends
    launching = np.array([values.get(f"overhead_s.{name}", 1.0) for name in backends])[at]
    build = np.where(setups.ollama, values["ollama_step"], 1.0)
    return Columns(
        bytes_per_s=reading / build,
        expert_bytes_per_s=reading * min(values["expert_bandwidth"], 1.0) / build,
        decode_flops=device.flops_16 * np.minimum(compute * decode, MOST),
        prefill_flops=device.flops_16 * np.minimum(compute * prefill, MOST),
        overhead_s=_overhead(values, setups, slower) * build * launching,
        sequence_s=product(values, setups, "sequence_s", kernel=False),
        vector_growth=growth,
        expert_growth=growth * values["vector_growth.moe"],
        all_reduce_s=np.zeros(len(reading)),
        link_bytes_per_s=np.ones(len(reading)),
    )


def steps(engine: str, values: Values, setups: Setups) -> Columns:
    """`step.step_model` for each configuration."""
    facts, device, known = setups.facts, setups.device, setups.known
    better = values["efficiency_per_year"] ** -known.age
    slower = values["overhead_per_year"] ** known.age
    rates = (_vllm if engine == "vllm" else _llamacpp)(values, setups, better, slower)
    kv_rate = device.bandwidth * np.minimum(product(values, setups, "kv_bandwidth", kernel=False) * better, MOST)
    attention = device.flops_16 * np.minimum(product(values, setups, "attention_compute", kernel=False), MOST)
    ranks = known.tensor
    dense_s = facts.dense_bytes / ranks / rates.bytes_per_s
    expert_s = facts.expert_bytes / ranks / rates.expert_bytes_per_s
    flops = facts.flops_per_token / ranks
    all_reduces = np.where(ranks > 1, ALL_REDUCES_PER_LAYER * facts.layers, 0.0)
    exchanged = 2.0 * facts.hidden * 2 * (ranks - 1) / ranks
    full, windowed = facts.attention_flops / ranks / attention, facts.window_attention_flops / ranks / attention
    return Columns(
        overhead_s=rates.overhead_s + all_reduces * rates.all_reduce_s + (known.pipeline - 1) * values["stage_s"],
        sequence_s=rates.sequence_s, dense_s=dense_s, expert_s=expert_s, expert_miss=1.0 - facts.expert_share,
        routing_spread=values["routing_spread"], token_s=flops / rates.decode_flops,
        vector_growth=rates.vector_growth, expert_growth=rates.expert_growth,
        kv_full_s=soft_max(facts.readers * facts.kv_full_bytes * known.kv_share / kv_rate, full),
        kv_window_s=soft_max(facts.readers * facts.kv_window_bytes * known.kv_share / kv_rate, windowed),
        window=facts.window,
        state_s=2.0 * facts.state_bytes / ranks / kv_rate,
        all_reduce_token_s=all_reduces * exchanged / rates.link_bytes_per_s,
        prefill_token_s=soft_max((dense_s + expert_s) / known.chunk_tokens, flops / rates.prefill_flops),
        attention_s=full, window_attention_s=windowed,
        stages=known.pipeline if engine == "vllm" else np.ones(len(ranks)), chunk_tokens=known.chunk_tokens,
        slower=slower, ollama=setups.ollama, vocabulary=facts.head_flops / (2.0 * facts.hidden),
        power_share=np.minimum(device.power_share * (1.0 if engine == "vllm" else known.pipeline), 1.0),
    )  # fmt: skip


def decode_s(step: Columns, batch: Vector, context: Vector) -> Vector:
    """`StepModel.decode_s`."""
    share = np.where(step.stages == 1, batch, np.maximum(1.0, batch / step.stages))
    cached = step.kv_full_s * context + step.kv_window_s * np.minimum(context, step.window) + step.state_s
    own = share * (step.sequence_s + step.all_reduce_token_s + cached)
    reading, computing = limited_power(step.power_share)
    held_back = products_s(step, share, reading, computing) + share * cached * reading
    return np.maximum(step.overhead_s + products_s(step, share) + own, held_back * np.minimum(batch / step.stages, 1.0))


def awake_of(step: Columns, tokens: Vector) -> Vector:
    """`StepModel.awake`."""
    return np.where(step.expert_s > 0, 1.0 - step.expert_miss ** (tokens**step.routing_spread), 1.0)


def products_s(step: Columns, tokens: Vector, reading: Vector = 1.0, computing: Vector = 1.0) -> Vector:
    """`StepModel.products_s`."""
    awake = awake_of(step, tokens)
    matrix = soft_max(reading * (step.dense_s + step.expert_s * awake), computing * tokens * step.token_s)
    crowd = tokens * (1.0 - step.expert_miss) / awake
    vector = step.dense_s * (1.0 + step.vector_growth * (tokens - 1.0))
    vector = vector + step.expert_s * awake * (1.0 + step.expert_growth * (crowd - 1.0))
    return np.where(step.vector_growth > 0, np.minimum(reading * vector, matrix), matrix)


def prompt_attention_s(step: Columns, tokens: Vector, cached: Vector) -> Vector:
    """`StepModel.prompt_attention_s`."""
    before = cached + tokens / 2
    return tokens * (step.attention_s * before + step.window_attention_s * np.minimum(before, step.window))


def prefill_s(step: Columns, tokens: Vector, cached: Vector) -> Vector:
    """`StepModel.prefill_s`."""
    busy = tokens * step.prefill_token_s + prompt_attention_s(step, tokens, cached)
    held_back = busy * limited_power(step.power_share)[1]
    return np.maximum(busy + tokens * step.all_reduce_token_s, held_back) / step.stages


def first_token_s(step: Columns, tokens: Vector, cached: Vector) -> Vector:
    """`StepModel.first_token_s`."""
    chunks = np.maximum(1.0, tokens / step.chunk_tokens)
    read = step.dense_s + step.expert_s * awake_of(step, tokens)
    floor = np.where(tokens < step.chunk_tokens, read, 0.0)
    busy = soft_max(floor, tokens * step.prefill_token_s) + prompt_attention_s(step, tokens, cached)
    whole = chunks * step.overhead_s + tokens * step.all_reduce_token_s + busy
    return np.maximum(whole, busy * limited_power(step.power_share)[1])
