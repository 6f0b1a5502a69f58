"""Processor, host memory and disk of one pod, from the plan.

Requests are what a pod certainly needs, so that it finds a node; limits are its share of the planned machine.
"""

from __future__ import annotations

import math

from advisor.deploy.kubernetes.accelerators import cards_of_pod, devices
from advisor.deploy.kubernetes.manifest import Resources
from advisor.engines import ENGINES
from advisor.engines.host_memory import HOST_BYTES_PER_CARD
from advisor.schema import Plan
from advisor.units import GIB, MIB

REQUESTED = 0.8  # of the machine at most: system, kubelet and gateway need the rest
PROCESSES = 2  # beside a worker for each card: API server and engine core, each busy with a core
MACHINE_SHARE = 0.9  # of the machine's memory may be used before the pod is ended
SPARE_DISK_BYTES = 10 * GIB  # compiled kernels, blobs while they are replaced


def resources(plan: Plan) -> Resources:
    """Requests and limits of the engine's container: one replica's part of the planned machine."""
    cpu, share = plan.hardware.cpu, 1 / plan.estimate.candidate.replicas_of_server
    cards = len(cards_of_pod(plan))
    machine_cores = cpu.cores * share
    wanted_cores = PROCESSES + cards if cards else cpu.cores
    machine_bytes = cpu.memory_bytes * share
    wanted_bytes = min(_host_bytes(plan, cards), REQUESTED * machine_bytes)
    return Resources(
        cpu_request=_millicores(min(wanted_cores, REQUESTED * machine_cores)),
        cpu_limit=_millicores(max(machine_cores, 1)),
        memory_request=_mebibytes(wanted_bytes),
        memory_limit=_mebibytes(max(MACHINE_SHARE * machine_bytes, wanted_bytes)),
        devices=devices(plan),
    )


def claim_bytes(plan: Plan) -> int:
    """Disk for weights and caches, in whole GiB; nothing for weights that are read where they lie on the node."""
    in_place = plan.model.path and ENGINES[plan.engine].preparation(plan) is None
    weights = 0 if in_place else plan.launch.cache_bytes
    return GIB * math.ceil((1.2 * weights + SPARE_DISK_BYTES) / GIB)


def _host_bytes(plan: Plan, cards: int) -> float:
    """What the engine needs of the host's memory; where the cards share it, everything."""
    candidate, memory = plan.estimate.candidate, plan.estimate.memory
    if not cards:
        return float(memory.used_bytes)
    shared = any(card.unified_memory for card in cards_of_pod(plan))
    offloaded = memory.weights_bytes * candidate.cpu_layers / max(plan.model.layers - candidate.cpu_layers, 1)
    return HOST_BYTES_PER_CARD * cards + (memory.used_bytes if shared else 0) + offloaded


def _millicores(cores: float) -> str:
    return f"{max(math.floor(cores * 1000), 100)}m"


def _mebibytes(size: float) -> str:
    return f"{math.floor(size / MIB)}Mi"
