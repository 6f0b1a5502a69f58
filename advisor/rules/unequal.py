"""Cards that are not alike: what it costs that they work together, and which of them cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.engines.devices import usable
from advisor.rules.base import Case
from advisor.schema import Accelerator
from advisor.units import GB, gib


def spd213(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes unequal cards that hold one model: which of them sets memory and speed."""
    candidate, cards = case.estimate.candidate, case.cards
    if not case.limits.tensor_parallel or len({card.name for card in cards}) < 2:
        return None
    least = min(cards, key=lambda card: card.memory_bytes)
    slow = min(cards, key=lambda card: card.bandwidth_bytes_per_s or 0.0)
    shared = f"as if each had the {gib(least.memory_bytes)} of {least.name}"
    if candidate.stage_layers:
        shared = f"with {' and '.join(map(str, candidate.stage_layers))} of {case.model.layers} layers, by their memory"
    return (
        f"{len(cards)} unequal cards share the model {shared}, and each is taken to be as fast as {slow.name} "
        f"({(slow.bandwidth_bytes_per_s or 0.0) / GB:,.0f} GB/s)"
    )


def spd214(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes cards that stay idle because they are not like those that are used."""
    used = {card.name for card in case.cards}
    idle = [card for card in case.hardware.accelerators if card.name not in used and _could_join(card, case)]
    if not idle or not case.limits.tensor_parallel:
        return None
    names = ", ".join(f"{card.name} ({gib(card.memory_bytes)})" for card in idle)
    with_them = (
        "together each would be taken to be as fast as the slowest, and hold a part by the smallest or by layers"
    )
    return (
        f"{len(idle)} of {len(case.hardware.accelerators)} cards stay idle for want of equality: {names}; {with_them}"
    )


def _could_join(card: Accelerator, case: Case) -> bool:
    """Whether a card could work for the engine at all: else it is not idle for want of equality."""
    return bool(case.cards) and card.vendor == case.cards[0].vendor and usable(card, case.limits)
