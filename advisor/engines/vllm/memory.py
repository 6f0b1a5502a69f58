"""vLLM's memory: what a rank has consumed before the KV cache, and what is left for it.

`KV = ceil(total × utilisation) − weights − non-torch − activation peak − CUDA graphs`, as in the catalogue's
source `vllm-0.33-source`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from advisor.catalog import weights_format
from advisor.engines.vllm.consumed import Consumed, Stage, activation_bytes, consumed, known, stages
from advisor.engines.vllm.kv_pool import Pool, pool
from advisor.physics.bisect import largest
from advisor.physics.memo import by_value_and_identity
from advisor.physics.memory.cards import cards_of_replica, usable_bytes, visible_bytes
from advisor.physics.memory.kv import bytes_per_element, kv_bytes, scratch_channels
from advisor.physics.memory.shards import stage_bytes
from advisor.schema import Accelerator, Basis, Candidate, Hardware, Memory, ModelSpec
from advisor.units import GIB

MOST_SLOTS = 4096


@by_value_and_identity
def memory(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Memory:
    """Bytes on the fullest device, and the KV capacity of one replica.

    A rank asks for its share of the card's total, and starts only when that much is free. Given
    `kv_cache_bytes`, it takes that pool beside what it consumed, out of what is free; a CPU has only that.
    """
    if candidate.device == "cpu":
        return _on_cpu(candidate, hardware, model)
    unequal = [_on_card(candidate, hardware, model, stage) for stage in stages(candidate)]
    if unequal:  # every stage gets as many blocks as the poorest one
        return min(unequal, key=lambda found: (-found.short_bytes, found.full_sequences))
    return _on_card(candidate, hardware, model)


def _on_card(candidate: Candidate, hardware: Hardware, model: ModelSpec, stage: Stage | None = None) -> Memory:
    """The account of the tightest card, or of the tightest of a stage."""
    card = tightest_card(candidate, hardware, stage)
    used = consumed(candidate, hardware, model, stage)
    available = start_bytes(card)
    basis = _basis(card, model)
    if candidate.kv_cache_bytes is not None:
        room = float(candidate.kv_cache_bytes)
        lacking = used.total + room - available
        return _account(candidate, model, used, card.memory_bytes, available, room, lacking, basis, stage)
    asked = requested_bytes(candidate, card)
    room = asked - used.total
    lacking = max(asked, used.total + graph_profile_bytes(candidate, model)) - available
    return _account(candidate, model, used, card.memory_bytes, asked, room, lacking, basis, stage)


def _account(
    candidate: Candidate,
    model: ModelSpec,
    used: Consumed,
    device_bytes: int,
    budget: int,
    room: float,
    lacking: float,
    basis: Basis,
    stage: Stage | None = None,
) -> Memory:
    """Put a rank's account together: `room` is for KV, `lacking` above 0 what the device does not have."""
    kv_pool = replica_pool(candidate, model, stage)
    pool_bytes, context = max(room, 0.0), candidate.context_tokens
    sequences, tokens = kv_pool.sequences(pool_bytes), kv_pool.tokens(pool_bytes, context)
    if not kv_pool.request_blocks:  # an encoder caches nothing
        sequences = float(candidate.max_in_flight) if room >= 0 else 0.0
        tokens = int(sequences) * context
    missing = math.ceil(max(lacking, kv_pool.smallest_bytes() - room, 0.0))
    most = most_sequences(candidate, model, kv_pool.blocks(pool_bytes))
    if not missing and most is not None and candidate.max_in_flight > most:
        missing = math.ceil((candidate.max_in_flight - most) / state_share() * kv_pool.block_bytes)
    element = bytes_per_element(candidate.kv_cache_dtype, weights_format(candidate.weights_format))
    ranks = candidate.tensor_parallel
    return Memory(
        device_bytes=device_bytes,
        budget_bytes=budget,
        weights_bytes=round(used.weights),
        kv_bytes=int(kv_pool.blocks(pool_bytes) * kv_pool.block_bytes),
        activation_bytes=round(used.activation),
        overhead_bytes=round(used.non_torch + used.graphs),
        kv_bytes_per_token=kv_bytes(model, context, element, tensor_parallel=ranks) * ranks / max(context, 1),
        kv_tokens=tokens,
        full_sequences=sequences,
        fits=missing == 0,
        short_bytes=missing,
        most_sequences=most,
        basis=basis,
        source=str(known()["source"]),
    )


def most_sequences(candidate: Candidate, model: ModelSpec, blocks: int) -> int | None:
    """The --max-num-seqs above which vLLM aborts: with graphs, every sequence of a hybrid needs a block for its state.

    "max_num_seqs exceeds available Mamba cache blocks" (vllm/config/compilation.py). Less than the computed blocks:
    measured starts had fewer.
    """
    if not model.layers_linear or candidate.eager or candidate.device == "cpu":
        return None
    return int(blocks * state_share())


def state_share() -> float:
    """Share of the computed state blocks that is planned with."""
    return float(known()["state_block_share"])


def graph_profile_bytes(candidate: Candidate, model: ModelSpec) -> float:
    """The throw-away cache of a hybrid while its CUDA graphs are measured: a state block for every sequence.

    It lies outside the budget (vllm/v1/worker/gpu/cudagraph_utils.py), so that no utilisation makes room for it.
    """
    if not model.layers_linear or candidate.eager:
        return 0.0
    most, least = int(known()["graph_profile_most_blocks"]), int(known()["graph_profile_least_blocks"])
    sequences = max(min(candidate.max_in_flight, most), least)
    return sequences * replica_pool(candidate, model).block_bytes


def scratch_bytes(model: ModelSpec) -> float:
    """Memory outside the budget that linear layers take while they read a long prompt; no profile sees it."""
    return (
        float(known()["linear_scratch_gib"]) * GIB * scratch_channels(model) / float(known()["linear_scratch_channels"])
    )


def start_bytes(card: Accelerator) -> int:
    """Memory free when the worker compares it with its request: its own CUDA context is taken by then."""
    return int(usable_bytes(card) - float(known()["context_gib"]) * GIB)


def requested_bytes(candidate: Candidate, card: Accelerator) -> int:
    """What vLLM asks for on that card."""
    share = candidate.memory_utilization
    return math.ceil(visible_bytes(card) * (default_utilization() if share is None else share))


def default_utilization() -> float:
    """The share of a card's total memory that vLLM takes where nobody says another."""
    return float(known()["utilization"])


def highest_utilization(card: Accelerator, model: ModelSpec) -> float:
    """The largest share of that card, in hundredths and up to the default, that its free memory allows."""
    share = min((start_bytes(card) - scratch_bytes(model)) / visible_bytes(card), default_utilization())
    return max(math.floor(share * 100 + 1e-9) / 100, 0.0)


def tightest_card(candidate: Candidate, hardware: Hardware, stage: Stage | None = None) -> Accelerator:
    """The card with the least memory: every rank (of that stage) gets as many blocks as the poorest one."""
    cards = cards_of_replica(candidate, hardware)
    if stage is not None:
        cards = cards[stage.number * candidate.tensor_parallel :][: candidate.tensor_parallel]
    return min(cards, key=lambda card: (card.memory_bytes, start_bytes(card)))


def replica_pool(candidate: Candidate, model: ModelSpec, stage: Stage | None = None) -> Pool:
    """The block arithmetic of one rank of the candidate, of that stage where they are unequal."""
    asked = _Blocks(
        context_tokens=candidate.context_tokens,
        batched_tokens=candidate.max_batched_tokens,
        element_bytes=bytes_per_element(candidate.kv_cache_dtype, weights_format(candidate.weights_format)),
        tensor_parallel=candidate.tensor_parallel,
        pipeline_parallel=candidate.pipeline_parallel,
        part=None if stage is None else stage.share,
        block_tokens=int(known()["block_tokens_cpu" if candidate.device == "cpu" else "block_tokens_gpu"]),
    )
    return _pool(asked, model)


class _Blocks(NamedTuple):
    """What the blocks of a model follow from: the same for many candidates."""

    context_tokens: int
    batched_tokens: int
    element_bytes: float
    tensor_parallel: int
    pipeline_parallel: int
    part: float | None
    block_tokens: int


@by_value_and_identity
def _pool(asked: _Blocks, model: ModelSpec) -> Pool:
    return pool(model, **asked._asdict())


def _basis(card: Accelerator, model: ModelSpec) -> Basis:
    """Splits were measured on Hopper, with attention over the whole context; the rest is derived."""
    measured = (card.architecture or "").lower() == "hopper"
    return "calibrated" if measured and not model.layers_linear and not model.layers_sliding else "analytic"


def _on_cpu(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Memory:
    used, budget = _consumed_on_cpu(candidate, model), cpu_budget_bytes(hardware)
    given = candidate.kv_cache_bytes
    room = float(cpu_kv_space(candidate, hardware, model) if given is None else given)
    lacking = used.total + room - budget
    return _account(candidate, model, used, hardware.cpu.memory_bytes, budget, room, lacking, "analytic")


def cpu_budget_bytes(hardware: Hardware) -> int:
    """RAM that the engine may use: what is available now, less a reserve for the rest of the machine."""
    cpu = hardware.cpu
    available = cpu.memory_bytes if cpu.available_bytes is None else cpu.available_bytes
    return max(int(available - cpu.reserved_bytes - float(known()["cpu_reserve_gib"]) * GIB), 0)


def _consumed_on_cpu(candidate: Candidate, model: ModelSpec) -> Consumed:
    """Weights, activation and runtime of a CPU worker."""
    fmt = weights_format(candidate.weights_format)
    weights = max(stage_bytes(model, fmt, 1, candidate.pipeline_parallel))  # stages are on other machines
    activation = max(activation_bytes(replace(candidate, tensor_parallel=1), model, fmt))
    return Consumed(weights, activation, float(known()["cpu_runtime_gib"]) * GIB, 0.0)


def cpu_kv_space(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """KV bytes to give a CPU worker: every slot at full context, as far as RAM reaches, in whole GiB.

    Below 1 GiB of room it is what is left, so that `memory` says how much is missing.
    """
    kv_pool = replica_pool(candidate, model)
    wanted = (kv_pool.request_blocks * candidate.max_in_flight + 1) * kv_pool.block_bytes
    room = cpu_budget_bytes(hardware) - _consumed_on_cpu(candidate, model).total
    if room < GIB:
        return max(int(room), 0)
    return max(min(math.ceil(wanted / GIB), int(room // GIB)), 1) * GIB


def max_slots(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """The most requests of full context that run at once, counting the memory that more slots take."""

    def holds(slots: int) -> bool:
        result = memory(replace(candidate, max_in_flight=slots), hardware, model)
        return result.fits and result.full_sequences >= slots

    return largest(holds, MOST_SLOTS)


def max_context(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """The longest context of which one request still fits, up to what the model was trained for; else 0."""
    return largest(
        lambda tokens: memory(replace(candidate, context_tokens=tokens), hardware, model).fits,
        model.context_trained,
    )
