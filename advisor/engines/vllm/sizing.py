"""Batch and memory-share figures of vLLM: what it would take by itself, and what the plan gives it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from advisor.engines.devices import Group, at_least, capability, cards_of, ladder
from advisor.engines.vllm.consumed import consumed
from advisor.engines.vllm.defaults import device_defaults
from advisor.engines.vllm.memory import (
    cpu_kv_space,
    default_utilization,
    highest_utilization,
    memory,
    replica_pool,
    tightest_card,
)
from advisor.frozen import replace
from advisor.models.purpose import purpose
from advisor.physics.bisect import largest
from advisor.physics.memo import by_value_and_identity
from advisor.physics.memory.cards import visible_bytes
from advisor.schema import Accelerator, Candidate, Hardware, ModelSpec, Workload
from advisor.units import GIB

UNIFIED_HOST_SHARE = 0.15  # of unified memory, left to the system and the engine's own host side
UNIFIED_HOST_BYTES = 6 * GIB
# Batch sizes of the CUDA graphs that vLLM records: a limit between two of them would run the larger one.
GRAPH_SIZES = (1, 2, 4, *range(8, 257, 8), *range(272, 1025, 16))
STEPS_CACHED = 4  # of a pooling model's batches
POOLING_SPARE_BYTES = GIB // 2
HEADROOM = 1.25  # slots above the planned peak, so that a burst runs instead of waiting
CHUNKS_CACHED = 16  # that a cache holds at least where a step is larger than usual: its activations come out of it
PREFILL_EFFICIENCY = 0.4  # share of the dense FLOP rate that prefill reaches: 0.32 to 0.57 measured
CHUNK_SHARE = 0.1  # of an answer's time that one foreign prefill chunk may take
CHUNKS = (512, 1024, 2048, 4096, 8192, 16384)


def utilization(cards: Group, model: ModelSpec) -> float:
    """The share of total memory vLLM may ask for on every one of the cards, in hundredths.

    The default, unless less is free now (vLLM refuses to start then) or the memory is also the host's.
    """
    share = default_utilization()
    for card in cards:
        share = min(share, highest_utilization(card, model))
        if card.unified_memory:
            share = min(share, 1 - max(UNIFIED_HOST_SHARE, UNIFIED_HOST_BYTES / card.memory_bytes))
    return max(0.01, math.floor(share * 100 + 1e-9) / 100)


def seqs_for(in_flight: float, cards: Sequence[Accelerator]) -> int:
    """max_num_seqs for a planned peak: a quarter above it, on a recorded graph size."""
    most = 1024 if cards else device_defaults(cards)[1]
    return min(ladder(GRAPH_SIZES, HEADROOM * max(in_flight, 1.0)), most)


def chunk_for(cards: Group, workload: Workload, model: ModelSpec, tensor_parallel: int) -> int:
    """max_num_batched_tokens: the device's default, less where one prefill chunk would spoil short answers.

    An offline batch without targets takes twice the default: fewer, fuller steps. Pooling models cannot split a
    prompt, so one step must take the longest.
    """
    standard = device_defaults(cards)[0]
    if workload.pooled:
        return max(standard, workload.context_tokens)
    if workload.task == "batch" and workload.tpot_ms is None:
        return min(2 * standard, CHUNKS[-1])
    longest = chunk_limit(cards, workload, model, tensor_parallel)
    return standard if longest is None else max(CHUNKS[0], min(standard, longest))


def chunk_limit(cards: Group, workload: Workload, model: ModelSpec, tensor_parallel: int) -> int | None:
    """The longest prefill chunk that holds an answer back by at most a tenth of the time its target allows.

    Every decode waits for the step it shares with somebody's prefill chunk. None: no target, or no FLOP rate.
    """
    rates = [card.dense_flops.get("bf16") or card.dense_flops.get("fp16") for card in cards]
    if workload.tpot_ms is None or not rates or None in rates:
        return None
    seconds = CHUNK_SHARE * workload.output_tokens * workload.tpot_ms / 1000
    rate = min(rate for rate in rates if rate) * tensor_parallel * PREFILL_EFFICIENCY
    tokens = seconds * rate / (2 * (model.active_parameters or model.parameters))
    return max((chunk for chunk in CHUNKS if chunk <= tokens), default=CHUNKS[0])


def resize(candidate: Candidate, in_flight: float, hardware: Hardware, model: ModelSpec) -> Candidate:
    """The candidate with max_num_seqs for `in_flight` requests per replica, as far as memory allows.

    Every sequence takes memory of its own (logits, graphs), so that with fewer of them a model may fit after all.
    """
    candidate = _with_room(candidate, hardware, model)
    wanted = seqs_for(in_flight, cards_of(candidate, hardware))
    most = min(wanted, _most_seqs(replace(candidate, max_in_flight=1), hardware, model))
    return with_seqs(candidate, GRAPH_SIZES[max(bisect_right(GRAPH_SIZES, most), 1) - 1], hardware, model)


@by_value_and_identity
def _most_seqs(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """The largest graph size whose sequences the memory holds, found once for all loads; 0 where none is."""

    def holds(place: int) -> bool:
        found = memory(with_seqs(candidate, GRAPH_SIZES[place - 1], hardware, model), hardware, model)
        return found.fits and found.full_sequences >= 1

    place = largest(holds, len(GRAPH_SIZES))
    return GRAPH_SIZES[place - 1] if place else 0


def _with_room(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
    """Steps of the usual size where larger ones would take what little cache there is."""
    usual = device_defaults(cards_of(candidate, hardware))[0]
    if candidate.max_batched_tokens <= usual or purpose(model) != "text":
        return candidate
    found = memory(replace(candidate, max_in_flight=1), hardware, model)
    roomy = found.kv_tokens >= CHUNKS_CACHED * candidate.max_batched_tokens
    return candidate if roomy else replace(candidate, max_batched_tokens=usual)


def with_seqs(candidate: Candidate, seqs: int, hardware: Hardware, model: ModelSpec) -> Candidate:
    """The candidate with this max_num_seqs; the batch is never below it.

    On a CPU the KV cache is given in bytes, so that it grows with the load and leaves the host its memory.
    """
    sized = replace(candidate, max_in_flight=seqs, max_batched_tokens=max(candidate.max_batched_tokens, seqs))
    if candidate.device == "gpu":
        return _as_large_as_needed(sized, hardware, model) if purpose(model) != "text" else sized
    return replace(sized, kv_cache_bytes=cpu_kv_space(replace(sized, kv_cache_bytes=None), hardware, model))


def _as_large_as_needed(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
    """A pooling model answers in one step, so that it caches what is in a few of them and not all that a card holds."""
    card, kv_pool = tightest_card(candidate, hardware), replica_pool(candidate, model)
    tokens = STEPS_CACHED * candidate.max_batched_tokens / max(candidate.context_tokens, 1) + 1
    need = consumed(candidate, hardware, model).total + tokens * kv_pool.smallest_bytes() + POOLING_SPARE_BYTES
    share = math.ceil(100 * need / visible_bytes(card)) / 100
    most = default_utilization() if candidate.memory_utilization is None else candidate.memory_utilization
    return replace(candidate, memory_utilization=min(share, most))


def as_installed(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
    """The same weights and cards as `vllm serve MODEL` without further settings would run them.

    vLLM takes the model's own context length; where that does not fit its KV cache it stops and names the longest
    one that does, so that length is taken here.
    """
    cards = cards_of(candidate, hardware)
    batched, seqs = device_defaults(cards)
    plain = replace(
        candidate,
        kv_cache_dtype="auto",
        context_tokens=model.context_trained,
        max_in_flight=seqs,
        max_batched_tokens=batched,
        memory_utilization=None if candidate.device == "cpu" else default_utilization(),
        kv_cache_bytes=None,
        cpu_threads=None,
    )
    fitting = memory(plain, hardware, model).kv_tokens
    return plain if fitting >= model.context_trained else replace(plain, context_tokens=max(1, fitting))


def sixteen_bit_name(cards: Sequence[Accelerator], native: str) -> str:
    """bfloat16 needs compute capability 8.0: older CUDA cards run the same checkpoint as float16."""
    old = any(capability(card) and not at_least(card, "8.0") for card in cards)
    return "fp16" if native in ("fp32", "bf16") and (old or native == "fp32") else native
