"""What no engine can go below: weights over memory, bytes over bandwidth, FLOPs over the tokens of a second.

Each bound takes the cheapest case of every engine, so that a number of cards below it is a no without being asked.
"""

from __future__ import annotations

import math

from advisor.catalog.entries import GpuSpec
from advisor.decide.pace import least_rate
from advisor.models.thinking import written_tokens
from advisor.physics.memory.kv import kv_bytes
from advisor.physics.memory.weights import matmul_flops_per_token
from advisor.schema import ModelSpec, Question, Workload
from advisor.search.bounds import least_bytes

_SMALLEST_KV_BYTES = 0.5  # an element of the coarsest cache


def least_cards(question: Question, spec: GpuSpec) -> int:
    """A number of cards that certainly is not too many: at least one."""
    weights, cache, arithmetic = _needs(question, spec)
    held = 0.0 if question.workload.allow_offload else weights
    return math.ceil(max(1.0, held, cache, arithmetic) - 1e-9)


def _needs(question: Question, spec: GpuSpec) -> tuple[float, float, float]:
    """Cards for the weights' memory, the cache's bandwidth and the arithmetic; 0 where the card's figure is unknown."""
    workload, model = question.workload, question.model
    rate = least_rate(workload, model)
    memory, bandwidth = spec.memory_bytes, spec.bandwidth_bytes_per_s
    peak = max(spec.dense_flops.values(), default=0.0)
    return (
        least_bytes(model, workload) / memory if memory else 0.0,
        rate * _kv_bytes_read(workload, model) / bandwidth if bandwidth else 0.0,
        rate * _flops(workload, model) / peak if peak else 0.0,
    )


def _kv_bytes_read(workload: Workload, model: ModelSpec) -> float:
    """Cache that attention reads for one answer, the prompt's shared part left out: it may be read once for all."""
    written = written_tokens(workload, model)
    mean = max(workload.input_tokens - workload.shared_prefix_tokens, 0) + written / 2
    return max(written - 1, 0) * kv_bytes(model, mean, _SMALLEST_KV_BYTES)


def _flops(workload: Workload, model: ModelSpec) -> float:
    """Matrix products of one request: what lies in the cache is not read again, and only what is written has a head."""
    each, head = matmul_flops_per_token(model), 2.0 * model.vocab * model.hidden
    read = max(workload.input_tokens - max(workload.history_tokens, workload.shared_prefix_tokens), 0)
    return read * max(each - head, 0.0) + written_tokens(workload, model) * each
