"""Bounds that cost nothing: they spare a search the models that cannot be a yes."""

from __future__ import annotations

from advisor.catalog import engine_limits, engine_names, weights_format
from advisor.engines.devices import usable
from advisor.models.stretch import longest_context
from advisor.physics.memory.layout import tensor_groups
from advisor.physics.memory.weights import UNREAD, matmul_flops_per_token
from advisor.schema import Hardware, ModelSpec, Question, Workload

_SMALLEST_BITS = 4.0  # of a weight that any engine is offered unasked


def worth_a_look(question: Question) -> bool:
    """In the smallest weights that may be planned, would it fit, and could one stream keep the target pace?

    Whatever may be used counts in full: all cards, and the host's memory where layers may run there. So what this
    drops is no yes, and what it keeps may be none.
    """
    model, workload, hardware = question.model, question.workload, question.hardware
    if workload.context_tokens > longest_context(model):
        return False
    cards = hardware.accelerators
    memory = sum(card.memory_bytes for card in cards) * hardware.nodes
    rates = [card.bandwidth_bytes_per_s for card in cards]
    if _host_computes(hardware, workload):
        memory += hardware.cpu.memory_bytes * hardware.nodes
        rates.append(hardware.cpu.bandwidth_bytes_per_s)
    if least_bytes(model, workload) > memory:
        return False
    if workload.tpot_ms is None or not all(rates):
        return True
    active = matmul_flops_per_token(model) / 2  # weights that one token passes through
    bandwidth = sum(rate or 0.0 for rate in rates)
    return active * least_bits(model, workload) / 8 / bandwidth * 1000 <= workload.tpot_ms


def least_bits(model: ModelSpec, workload: Workload) -> float:
    """Bits of a weight in the smallest form that may be planned: what was typed, else about 4, or as published."""
    name = model.native_format if workload.quantization == "auto" else workload.quantization
    form = weights_format(name)
    own = min(form.linear_bits, form.embedding_bits, form.head_bits)
    return min(own, _SMALLEST_BITS) if workload.quantization == "auto" else own


def least_bytes(model: ModelSpec, workload: Workload) -> float:
    """What must lie where it is computed: not the tables of which a token reads a row, nor a tower left out."""
    elements = sum(group.elements for group in tensor_groups(model) if group.role not in UNREAD)
    return elements * least_bits(model, workload) / 8


def _host_computes(hardware: Hardware, workload: Workload) -> bool:
    """Whether layers may run on the host: it is allowed, there is no card, or none that an engine can use."""
    limits = [engine_limits(name) for name in engine_names()]
    return workload.allow_offload or not any(usable(card, each) for card in hardware.accelerators for each in limits)
