"""Ollama's memory: every slot's context is allocated up front, and the cards are filled layer by layer.

Placement and sizes follow the source `ollama-0.34-source` of the catalogue. The input embedding stays in host memory.
"""

from __future__ import annotations

import math
from dataclasses import replace

from advisor.catalog import weights_format
from advisor.catalog.vendors import vendor_of
from advisor.engines.ollama.allocation import Sizes, known, padded, sizes, slot_bytes
from advisor.engines.ollama.host import host_budget_bytes, host_bytes, short_of_host
from advisor.engines.ollama.split import Card, Placed, most_layers, place
from advisor.engines.own import with_own_memory
from advisor.physics.bisect import largest
from advisor.physics.memo import by_value_and_identity
from advisor.physics.memory.cards import cards_of_replica, usable_bytes
from advisor.physics.memory.weights import file_bytes, weight_bytes
from advisor.schema import Candidate, Hardware, Memory, ModelSpec
from advisor.units import GIB, MIB

MOST_SLOTS = 256  # llama-server's ceiling for parallel sequences


@by_value_and_identity
def memory(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Memory:
    """Bytes on the fullest device, and the KV capacity of one replica."""
    hardware = with_own_memory("ollama", hardware)
    if candidate.device == "cpu":
        return _on_cpu(candidate, hardware, model)
    size = sizes(candidate, model)
    on_gpu = model.layers - min(candidate.cpu_layers, model.layers)
    cards = _cards(candidate, hardware, size, with_head=on_gpu > 0)
    head = size.head if on_gpu else 0.0
    layer = (size.layers + size.kv) / model.layers
    placed = place(cards, on_gpu, layer, head)
    missing = 0
    if placed is None:
        needed = on_gpu * layer + head + sum(card.fixed for card in cards)
        missing = max(math.ceil((needed - sum(card.budget for card in cards)) / len(cards)), 1)
        placed = (Placed(cards[-1], -(-on_gpu // len(cards)), has_head=on_gpu > 0),)
    fullest = max(placed, key=lambda one: _held(one, layer, head) / max(one.card.budget, 1.0))
    on_cards = sum(_held(one, layer, head) for one in placed)
    missing = missing or short_of_host(candidate, hardware, model, on_cards)
    weights = fullest.layers * size.layers / model.layers + (head if fullest.has_head else 0.0)
    if fullest.card is cards[0]:
        weights += size.projector
    return _result(
        candidate,
        model,
        device_bytes=fullest.card.device,
        budget=fullest.card.budget,
        weights=weights,
        kv=fullest.layers * size.kv / model.layers,
        activation=size.head_buffer if fullest.has_head else size.layer_buffer,
        overhead=_context_bytes(hardware),
        missing=missing,
    )


def _result(
    candidate: Candidate,
    model: ModelSpec,
    *,
    device_bytes: int,
    budget: float,
    weights: float,
    kv: float,
    activation: float,
    overhead: float,
    missing: int,
) -> Memory:
    """Put a device's account together."""
    slots, context = candidate.max_in_flight, padded(candidate.context_tokens)
    one = slot_bytes(candidate, model)
    lost = missing / one if one else float(slots if missing else 0)
    return Memory(
        device_bytes=device_bytes,
        budget_bytes=max(int(budget), 0),
        weights_bytes=round(weights),
        kv_bytes=round(kv),
        activation_bytes=round(activation),
        overhead_bytes=round(overhead),
        kv_bytes_per_token=one / max(candidate.context_tokens, 1),
        kv_tokens=slots * context,
        full_sequences=max(slots - lost, 0.0),
        fits=missing == 0,
        short_bytes=missing,
        basis="analytic",
        source=str(known()["source"]),
    )


def _held(placed: Placed, layer: float, head: float) -> float:
    """Bytes on a card with its layers."""
    return placed.card.fixed + placed.layers * layer + (head if placed.has_head else 0.0)


def _context_bytes(hardware: Hardware) -> float:
    """What the GPU runtime takes of a card when llama-server starts; some take nothing of note."""
    takes = all(vendor_of(card).runtime_takes_memory for card in hardware.accelerators)
    return float(known()["context_gib"] * GIB) if takes else 0.0


def _cards(candidate: Candidate, hardware: Hardware, size: Sizes, *, with_head: bool) -> tuple[Card, ...]:
    """The candidate's cards with the room that llama-server's fit leaves itself."""
    found = cards_of_replica(candidate, hardware)
    margin = known()["fit_margin_mib"] * MIB
    cards = []
    for number, card in enumerate(found):
        last = number == len(found) - 1
        fixed = _context_bytes(hardware) + (size.head_buffer if last and with_head else size.layer_buffer)
        fixed += size.projector if number == 0 else 0.0
        cards.append(Card(card.index, card.memory_bytes, usable_bytes(card) - margin, fixed))
    return tuple(cards)


def single_gpu(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    """Whether Ollama puts the model on one card by itself: its prediction is at most 80 % of the free memory.

    The prediction counts every layer at full length and 16 bit, whatever the cache type and the windows.
    """
    free = max((usable_bytes(card) for card in cards_of_replica(candidate, hardware)), default=0)
    return predicted_bytes(candidate, model) <= float(known()["single_gpu_share"]) * free


def predicted_bytes(candidate: Candidate, model: ModelSpec) -> float:
    """What Ollama itself predicts that the model needs (`PredictServerVRAM`)."""
    file = file_bytes(model, weights_format(candidate.weights_format))
    per_head = model.hidden / max(model.heads, 1)
    tokens = candidate.context_tokens * candidate.max_in_flight
    elements = 2 * model.layers * model.kv_heads * per_head * tokens
    return file + elements * float(known()["kv_element_bytes_predicted"])


def gpu_layers(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """How many layers llama-server's fit puts on the GPUs; the rest runs on the CPU."""
    if candidate.device == "cpu":
        return 0
    size = sizes(candidate, model)
    cards = _cards(candidate, hardware, size, with_head=True)
    return min(most_layers(cards, (size.layers + size.kv) / model.layers, size.head), model.layers)


def _on_cpu(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Memory:
    """Weights, caches and buffers in RAM."""
    size, budget = sizes(candidate, model), host_budget_bytes(hardware)
    return _result(
        candidate,
        model,
        device_bytes=hardware.cpu.memory_bytes,
        budget=budget,
        weights=weight_bytes(model, weights_format(candidate.weights_format)).total_bytes,
        kv=size.kv,
        activation=size.head_buffer,
        overhead=known()["cpu_runtime_gib"] * GIB,
        missing=max(host_bytes(candidate, model) - budget, 0),
    )


def max_slots(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """The most slots of the planned context that fit; 0 where not even one does."""
    return largest(lambda n: memory(replace(candidate, max_in_flight=n), hardware, model).fits, MOST_SLOTS)


def max_context(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """The longest context with which all slots of the candidate fit, up to what the model was trained for."""
    return largest(lambda n: memory(replace(candidate, context_tokens=n), hardware, model).fits, model.context_trained)
