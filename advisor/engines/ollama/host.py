"""What Ollama needs in host memory: embedding, layers left on the CPU, processes, and a prompt cache."""

from __future__ import annotations

import math

from advisor.catalog import weights_format
from advisor.engines.ollama.allocation import known, sizes
from advisor.engines.own import with_own_memory
from advisor.physics.memory.cards import cards_of_replica
from advisor.physics.memory.weights import weight_bytes
from advisor.schema import Candidate, Hardware, ModelSpec
from advisor.units import GIB, MIB


def host_bytes(candidate: Candidate, model: ModelSpec) -> int:
    """Host memory of a model, without the prompt cache."""
    size = sizes(candidate, model)
    if candidate.device == "cpu":
        runtime = float(known()["cpu_runtime_gib"]) * GIB
        total = weight_bytes(model, weights_format(candidate.weights_format)).total_bytes
        return math.ceil(total + size.kv + size.head_buffer + runtime)
    share = min(candidate.cpu_layers, model.layers) / model.layers
    buffer = size.layer_buffer if share else 0.0
    runtime = float(known()["host_runtime_gib"]) * GIB
    return math.ceil(size.embedding + share * (size.layers + size.kv) + buffer + runtime)


def host_budget_bytes(hardware: Hardware) -> int:
    """Host memory that may be used: what is available now (on macOS all), less a reserve for the machine."""
    cpu = with_own_memory("ollama", hardware).cpu
    makes_room = cpu.available_bytes is None or hardware.os == "darwin"
    available = cpu.memory_bytes if makes_room else cpu.available_bytes or 0
    return max(int(available - cpu.reserved_bytes - float(known()["host_reserve_gib"]) * GIB), 0)


def prompt_cache_bytes(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> int:
    """Host memory that llama-server's prompt cache may grow to, beside what the model needs there.

    The engine's own limit is 8 GiB a loaded model (LLAMA_ARG_CACHE_RAM); less is left on a small machine.
    """
    left = host_budget_bytes(hardware) - host_bytes(candidate, model)
    return max(min(int(known()["prompt_cache_mib"]) * MIB, left), 0)


def short_of_host(candidate: Candidate, hardware: Hardware, model: ModelSpec, on_cards: float) -> int:
    """What is missing in host memory; a unified memory also holds what is on the card."""
    needed = float(host_bytes(candidate, model))
    cards = cards_of_replica(candidate, hardware)
    if any(card.unified_memory and card.memory_bytes <= hardware.cpu.memory_bytes for card in cards):
        needed += on_cards
    return max(math.ceil(needed - host_budget_bytes(hardware)), 0)
