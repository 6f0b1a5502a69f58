"""What programs see of a card's memory, as opposed to what the driver reports as its total."""

from __future__ import annotations

from advisor.catalog.vendors import vendor_of
from advisor.schema import Accelerator, Candidate, Hardware
from advisor.units import GIB


def cards_of_replica(candidate: Candidate, hardware: Hardware) -> tuple[Accelerator, ...]:
    """The accelerators of the first replica of a candidate, on one machine: they are alike on each."""
    cards = [card for card in hardware.accelerators if card.index in candidate.gpu_indices]
    return tuple(cards[: candidate.local_share(len(cards))])


def visible_bytes(card: Accelerator) -> int:
    """Total memory as a program sees it: less than the driver's total by what the driver of a discrete card keeps."""
    reserved = vendor_of(card).driver_reserved
    if reserved is None or card.unified_memory:
        return card.memory_bytes
    return max(int(card.memory_bytes * (1 - reserved.share) - reserved.fixed_gib * GIB), 0)


def usable_bytes(card: Accelerator) -> int:
    """Memory that a new process can take, less what is reserved; all where nobody asked (a simulated machine)."""
    visible = visible_bytes(card)
    asked = card.free_bytes is not None and not vendor_of(card).memory_on_demand
    return max((min(card.free_bytes or 0, visible) if asked else visible) - card.reserved_bytes, 0)
