"""Room for what runs beside the planned model: where a small model lies, what it takes, and how it is started."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from advisor.catalog import constants, weights_format
from advisor.models.beside import helpers
from advisor.models.purpose import purpose
from advisor.physics.memory.weights import weight_bytes
from advisor.schema import Accelerator, Hardware, ModelSpec, Workload
from advisor.units import GIB


class Beside(NamedTuple):
    """One small model, and its place."""

    model: ModelSpec
    needed_bytes: int
    card: Accelerator | None  # None: it runs on the CPU


def beside(hardware: Hardware, workload: Workload) -> tuple[Beside, ...]:
    """What runs beside the planned model: on the card with the most memory, the last of equal ones, or on the CPU.

    A plan on fewer cards begins with the first of equal ones, so that the two meet only where they must. Rankers come
    first: a ranking reads dozens of passages where a search reads one question, which a CPU does in time.
    """
    known = constants("memory")["beside"]
    roomiest = max(hardware.accelerators, key=lambda card: (card.memory_bytes, card.index), default=None)
    left = 0.0 if roomiest is None else known["most_share"] * roomiest.memory_bytes
    found = []
    for model in sorted(helpers(workload.beside), key=lambda model: purpose(model) != "scores"):
        weights = weight_bytes(model, weights_format("bf16")).total_bytes
        needed = math.ceil(weights + known["process_gib"] * GIB)
        on_card = needed <= left
        left -= needed if on_card else 0.0
        found.append(Beside(model, needed, roomiest if on_card else None))
    return tuple(found)


def with_reserve(hardware: Hardware, workload: Workload) -> Hardware:
    """The machine with memory set aside: what was asked for on every card, and room for the models beside."""
    others = beside(hardware, workload)
    if not others and not workload.reserve:
        return hardware
    cards = tuple(replace(card, reserved_bytes=workload.reserve + _on(card, others)) for card in hardware.accelerators)
    shared = sum(card.reserved_bytes for card in cards if card.unified_memory)
    roomy = replace(hardware, accelerators=cards, cpu=replace(hardware.cpu, reserved_bytes=shared + _on(None, others)))
    return hardware if roomy == hardware else roomy  # the same object again: what is kept by identity stays known


def _on(card: Accelerator | None, others: tuple[Beside, ...]) -> int:
    index = None if card is None else card.index
    return sum(each.needed_bytes for each in others if (each.card and each.card.index) == index)


def share(each: Beside) -> float:
    """The part of its card that such a model may take, in hundredths, for an engine that is told a part."""
    return math.floor(100 * each.needed_bytes / each.card.memory_bytes) / 100 if each.card else 0.0


def wanted(each: Beside) -> str:
    """What the people's questions need of it."""
    made = "vectors" if purpose(each.model) == "vectors" else "scores"
    return f"questions about documents need its {made}; the room for it is kept free"
