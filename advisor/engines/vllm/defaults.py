"""Batch sizes that `vllm serve` takes by itself."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.engines.devices import capability
from advisor.schema import Accelerator
from advisor.units import GIB


def device_defaults(cards: Sequence[Accelerator], replicas_of_cpu: int = 1) -> tuple[int, int]:
    """(max_num_batched_tokens, max_num_seqs) that `vllm serve` takes on these cards; no cards: CPU."""
    if not cards:
        return 2048 * replicas_of_cpu, 128 * replicas_of_cpu
    smallest = min(card.memory_bytes for card in cards)
    if smallest >= 160 * GIB:
        return 16384, 1024
    excluded = any("A100" in card.name or "GB10" in card.name or capability(card) == (12, 1) for card in cards)
    if smallest >= 70 * GIB and not excluded:
        return 8192, 1024
    return 2048, 256
