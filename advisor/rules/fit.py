"""FIT: memory. Every message holds what is needed and what there is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from advisor.catalog.memory_limit import MemoryLimit, memory_limit
from advisor.engines.own import with_own_memory
from advisor.frozen import replace
from advisor.models.stretch import stretch
from advisor.models.thinking import written_tokens
from advisor.physics.memory.stored import repository, stored
from advisor.rules.base import Case
from advisor.schema import Estimate
from advisor.units import GB, count, gib, several


def fit101(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when weights, KV cache and buffers exceed what the engine may use on the fullest device."""
    memory = case.estimate.memory
    if case.estimate.candidate.cpu_layers and not memory.fits:
        shared = any(card.unified_memory for card in case.cards)
        room = "the machine's memory holds" if shared else "the accelerator and the machine's own memory hold together"
        return (
            f"{case.weights_format.title} weights, KV cache and buffers are {gib(memory.short_bytes)} more than {room}"
        )
    if memory.fits or memory.full_sequences < 1 <= _weights_room(case):
        return None
    needs = memory.budget_bytes + memory.short_bytes
    return (
        f"{case.weights_format.title} weights and buffers need {gib(needs)} on the fullest device, "
        f"may use {gib(max(memory.budget_bytes, 0))} of {gib(memory.device_bytes)}{_remedy(case)}"
    )


def fit102(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the weights fit and one request of full context does not."""
    memory, candidate = case.estimate.memory, case.estimate.candidate
    if candidate.cpu_layers and not memory.fits:
        return None  # FIT101 says so: the machine's own memory is full too
    if memory.full_sequences >= threshold["min_full_sequences"] or _weights_room(case) < 1:
        return None
    need = memory.kv_bytes_per_token * candidate.context_tokens
    room = min(memory.kv_tokens, int(memory.full_sequences * candidate.context_tokens))  # one engine plans all of them
    return (
        f"one request of {count(candidate.context_tokens)} tokens needs {gib(need)} of KV cache, "
        f"{count(room)} tokens fit{_remedy(case)}"
    )


def _weights_room(case: Case) -> float:
    """Budget over everything but KV: from 1 on, the weights themselves fit."""
    memory = case.estimate.memory
    fixed = memory.used_bytes - memory.kv_bytes
    return memory.budget_bytes / fixed if fixed else math.inf


def fit103(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the planned requests at mean length exceed the KV pool."""
    estimate, workload = case.estimate, case.workload
    if not estimate.memory.fits or estimate.memory.kv_tokens <= 0:
        return None
    in_flight = min(estimate.peak_in_flight / estimate.candidate.replicas, estimate.candidate.max_in_flight)
    each = workload.input_tokens + written_tokens(workload, case.model)
    demand = in_flight * each
    pool = estimate.memory.kv_tokens * threshold["share_of_pool"]
    if demand <= pool:
        return None
    return (
        f"{in_flight:.0f} requests of {count(each)} tokens need "
        f"{count(demand)} tokens of KV cache, {count(estimate.memory.kv_tokens)} fit: requests will queue"
    )


def fit104(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Says how many full-length requests fit, and from which number on another replica is needed."""
    estimate = case.estimate
    memory, context = estimate.memory, estimate.candidate.context_tokens
    if not memory.fits or memory.full_sequences < 1 or memory.kv_bytes_per_token <= 0:
        return None
    room, most = _room_in_sequences(estimate), full_requests(estimate)
    alone = min(math.floor(room * context), max(context, case.model.context_trained))
    relation = "enough for" if most >= estimate.peak_in_flight else "fewer than"
    return (
        f"{several(most, 'request')} of the full {count(context)} tokens "
        f"{'fit' if most != 1 else 'fits'} at once, {relation} the {count(estimate.peak_in_flight)} in flight at peak; "
        f"from {count(most + 1)} full-length requests on, more memory (another card or replica) is needed; one request "
        f"alone could be {count(alone)} tokens long"
    )


def full_requests(estimate: Estimate) -> int:
    """Full-length requests that the budgets of all replicas hold at once: the one number that every output says."""
    return math.floor(_room_in_sequences(estimate)) * estimate.candidate.replicas


def _room_in_sequences(estimate: Estimate) -> float:
    """Full-length requests that the budget holds: those of the planned KV cache, and those of what is left over."""
    memory = estimate.memory
    left = max(0, memory.budget_bytes - memory.used_bytes)
    return memory.full_sequences * (1 + left / memory.kv_bytes) if memory.kv_bytes else memory.full_sequences


def fit105(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when layers would run on the CPU beside the GPU and the workload does not allow it."""
    candidate = case.estimate.candidate
    if candidate.cpu_layers == 0 or case.workload.allow_offload:
        return None
    return (
        f"{candidate.cpu_layers} of {case.model.layers} layers do not fit the accelerator and would run on the CPU; "
        f"allowed only with --allow-offload{_remedy(case)}"
    )


def fit106(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a budget that an allocation up front fills almost completely."""
    memory = case.estimate.memory
    if not memory.fits or case.estimate.candidate.memory_utilization is not None or memory.budget_bytes <= 0:
        return None  # a pool engine fills its budget by design
    free = memory.budget_bytes - memory.used_bytes
    if free >= threshold["min_share_free"] * memory.budget_bytes:
        return None
    return f"uses {gib(memory.used_bytes)} of {gib(memory.budget_bytes)}: little to spare"


def fit107(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the planned context is longer than the trained one, and nothing stretches that."""
    planned, trained = case.estimate.candidate.context_tokens, case.model.context_trained
    if planned <= trained or fit124(case, threshold) is not None:
        return None
    known = f"a context of {count(planned)} tokens is planned, the model was trained for {count(trained)}"
    if case.model.origin != "catalogue":
        return known
    return (
        f"{known} as the catalogue has it: if {case.model.hf_id} takes more, name its folder, whose config.json counts"
    )


def fit124(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a context that YaRN stretches."""
    found = stretch(case.model, case.estimate.candidate.context_tokens)
    if found is None or "stretch" not in case.limits.features:
        return None
    return (
        f"{count(case.estimate.candidate.context_tokens)} tokens are {found['rope_parameters']['factor']:g} times what "
        f"{case.model.hf_id} was trained on first: stretched by YaRN, as its card says; short prompts may lose a little"
    )


def fit108(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when there are fewer slots than requests in flight at peak."""
    estimate = case.estimate
    slots = estimate.candidate.max_in_flight * estimate.candidate.replicas
    if not estimate.memory.fits or slots >= estimate.peak_in_flight:
        return None
    peak = f"{count(estimate.peak_in_flight)} requests in flight at peak"
    return f"{several(slots, 'slot')} for {peak}: the others wait for a slot"


def fit123(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when more sequences are planned than the engine starts with."""
    most, planned = case.estimate.memory.most_sequences, case.estimate.candidate.max_in_flight
    if most is None or planned <= most:
        return None
    return f"{planned} sequences are planned, state blocks for {most} fit: the engine stops while it records graphs"


def fit122(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Says in what range the size of a repository lies that nobody has read to the byte, and what was planned."""
    size = stored(case.model, case.weights_format)
    name = repository(case.model, case.weights_format)
    if name is None or size.spread <= threshold["max_spread"]:
        return None
    where = f"as read in {size.read_in}" if size.read_in else "by what recipes of this format leave in 16 bit"
    return (
        f"{name} stores {size.low_bytes / GB:.1f} to {size.high_bytes / GB:.1f} GB, {where}; "
        f"{size.loaded_bytes / GB:.1f} GB are planned"
    )


def fit109(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes memory that is not free now on the cards of the candidate."""
    own = "takes_models" in case.limits.features
    hardware = with_own_memory(case.limits.name, case.hardware) if own else case.hardware
    for card in replace(case, hardware=hardware).cards:
        held = card.memory_bytes - card.unheld_bytes
        if held >= threshold["min_held_bytes"]:
            return f"{gib(held)} of {gib(card.memory_bytes)} on GPU {card.index} ({card.name}) are in use now"
    return None


def fit110(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes that the system's limit on the GPU's share of memory is what is missing, and what raises it."""
    limit = memory_limit(case.hardware)
    if limit is None or not _would_fit(case, limit):
        return None
    seen = f", {gib(limit.least_bytes)} to {gib(limit.most_bytes)} by version of the system" if limit.uncertain else ""
    return f"the GPU may use {gib(limit.now_bytes)} of {gib(case.hardware.cpu.memory_bytes)}{seen}; {limit.remedy}"


def _remedy(case: Case) -> str:
    """What would raise the limit that is missed, behind a message; empty where that is not enough."""
    limit = memory_limit(case.hardware)
    return f"; {limit.remedy}" if limit and _would_fit(case, limit) else ""


def _would_fit(case: Case, limit: MemoryLimit) -> bool:
    """Whether what the candidate misses on the GPU is no more than what the limit can be raised by."""
    return case.cards != () and 0 < _missing_bytes(case) <= limit.raised_bytes - limit.now_bytes


def _missing_bytes(case: Case) -> float:
    """Of one request's full context, and of the layers that lie on the CPU, in proportion to those on the GPU."""
    memory, candidate = case.estimate.memory, case.estimate.candidate
    if candidate.cpu_layers:
        return memory.used_bytes * candidate.cpu_layers / max(1, case.model.layers - candidate.cpu_layers)
    if memory.full_sequences < 1:
        lacking = memory.kv_bytes_per_token * candidate.context_tokens * (1 - memory.full_sequences)
        return max(memory.short_bytes, lacking)
    return memory.short_bytes
