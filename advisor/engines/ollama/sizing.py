"""Slots, batch and context of Ollama: what it takes by itself, and what the plan gives it."""

from __future__ import annotations

import math

from advisor.catalog import engine_limits
from advisor.engines.devices import cards_of
from advisor.engines.ollama.memory import MOST_SLOTS, gpu_layers, memory
from advisor.frozen import replace
from advisor.physics.bisect import largest
from advisor.physics.memo import by_value_and_identity
from advisor.schema import Candidate, Hardware, ModelSpec
from advisor.units import GIB

CONTEXT_TIERS = ((47 * GIB, 262144), (23 * GIB, 32768), (0, 4096))  # by total GPU memory
BATCH_TIERS = ((32768, 2048), (4096, 1024), (0, 512))  # num_batch by num_ctx times slots


def single_slot(model: ModelSpec) -> bool:
    """Whether Ollama serves the family one request at a time whatever is set; embedding models are."""
    return model.model_type in engine_limits("ollama").single_slot_families or "embedding" in model.tags


def batch_for(context_tokens: int, slots: int) -> int:
    """num_batch by Ollama's own table: larger once all slots together hold more tokens."""
    total = context_tokens * slots
    return next(batch for above, batch in BATCH_TIERS if total > above or above == 0)


def with_slots(candidate: Candidate, slots: int) -> Candidate:
    """The candidate with this many slots, and the batch that belongs to them."""
    return replace(candidate, max_in_flight=slots, max_batched_tokens=batch_for(candidate.context_tokens, slots))


def resize(candidate: Candidate, in_flight: float, hardware: Hardware, model: ModelSpec) -> Candidate:
    """One slot for each request in flight, as many as the memory holds: each one is allocated at start."""
    wanted = 1 if single_slot(model) else min(max(1, math.ceil(in_flight - 1e-9)), MOST_SLOTS)
    return with_slots(candidate, max(1, min(wanted, _most_slots(with_slots(candidate, 1), hardware, model))))


@by_value_and_identity
def _most_slots(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """As many as the memory holds, found once for all loads; 0 where not even one fits."""
    return largest(lambda slots: _fits(with_slots(candidate, slots), hardware, model), MOST_SLOTS)


def as_installed(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
    """One slot, 16-bit KV cache, and the context by total GPU memory, as Ollama starts without any setting.

    Where that context does not fit, Ollama reduces it once: to 32768 when it was above, else to 4096.
    """
    total = sum(card.memory_bytes for card in cards_of(candidate, hardware))
    tier = next(context for above, context in CONTEXT_TIERS if total >= above)
    plain = candidate
    for context in (tier, 32768 if tier > 32768 else 4096):
        plain = with_slots(
            replace(candidate, kv_cache_dtype="f16", context_tokens=min(context, model.context_trained)), 1
        )
        if _fits(plain, hardware, model):
            break
    return offloaded(plain, hardware, model)


def offloaded(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
    """The candidate with as few layers on the CPU as llama-server's own fitting would leave there."""
    whole = replace(candidate, cpu_layers=0)
    if candidate.device == "cpu" or _fits(whole, hardware, model):
        return whole
    return replace(whole, cpu_layers=model.layers - gpu_layers(whole, hardware, model))


def _fits(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    return memory(candidate, hardware, model).fits
