"""What an engine will take: of its fullest device, and of the host's memory."""

from __future__ import annotations

from advisor.engines.devices import cards_of
from advisor.schema import Plan
from advisor.units import GIB

HOST_BYTES = 4 * GIB  # the engine's own processes
SYSTEM_SHARE, LEAST_SYSTEM_BYTES = 1 / 32, GIB  # of the host, that stays the system's where an engine leaks (assumed)
HOST_BYTES_PER_CARD = 8 * GIB  # a worker process: CUDA libraries, pinned buffers, weights on their way (assumed)


def asked_bytes(plan: Plan) -> int:
    """What the engine will take of its fullest device."""
    candidate, memory = plan.estimate.candidate, plan.estimate.memory
    if candidate.memory_utilization is not None:
        return int(memory.device_bytes * candidate.memory_utilization)
    return memory.used_bytes


def host_memory_bytes(plan: Plan) -> int:
    """Memory of the host that the engine needs: all on a CPU or in unified memory, else for its processes."""
    candidate = plan.estimate.candidate
    unified = any(card.unified_memory for card in cards_of(candidate, plan.hardware))
    if candidate.device == "cpu" or unified:
        return asked_bytes(plan) + HOST_BYTES
    on_cpu = plan.launch.cache_bytes * candidate.cpu_layers // max(plan.model.layers, 1)
    return 2 * HOST_BYTES + on_cpu


def limit_bytes(plan: Plan, shared_bytes: int, cached_bytes: int) -> int:
    """Host memory the engine may take: what it needs with a quarter to spare, shared memory, its own caches.

    A leak then ends the engine, which starts again, and not the machine: a part of its memory stays the system's, as
    far as the engine does not need it.
    """
    cards, memory, needed = (
        len(plan.estimate.candidate.gpu_indices),
        plan.hardware.cpu.memory_bytes,
        host_memory_bytes(plan),
    )
    wanted = needed * 5 // 4 + HOST_BYTES_PER_CARD * cards + shared_bytes + cached_bytes
    left = memory - max(int(memory * SYSTEM_SHARE), LEAST_SYSTEM_BYTES)
    return min(wanted, max(left, needed), memory)
