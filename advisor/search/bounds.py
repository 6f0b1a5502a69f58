"""Bounds that cost nothing: they spare a search the models that cannot be a yes."""

from __future__ import annotations

from advisor.physics.memory.weights import matmul_flops_per_token
from advisor.schema import Question

# The smallest weights that any engine is offered by default are about 4 bits.
_SMALLEST_BYTES_PER_WEIGHT = 0.5


def worth_a_look(question: Question) -> bool:
    """At 4 bits a weight, would it fit, and could one stream keep the target pace at full bandwidth?"""
    model, workload, hardware = question.model, question.workload, question.hardware
    devices = hardware.accelerators
    memory = sum(d.memory_bytes for d in devices) if devices else hardware.cpu.memory_bytes
    memory *= hardware.nodes
    if model.parameters * _SMALLEST_BYTES_PER_WEIGHT > memory or workload.context_tokens > model.context_trained:
        return False
    bandwidths = [d.bandwidth_bytes_per_s or 0.0 for d in devices] or [hardware.cpu.bandwidth_bytes_per_s or 0.0]
    if workload.tpot_ms is None or not all(bandwidths):
        return True
    active = matmul_flops_per_token(model) / 2  # weights that one token passes through
    return active * _SMALLEST_BYTES_PER_WEIGHT / sum(bandwidths) * 1000 <= workload.tpot_ms
