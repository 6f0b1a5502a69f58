"""An accelerator as a reader found it, before the catalogue's facts are merged in."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.schema import Accelerator


@dataclass(frozen=True)
class Card:
    """What the driver said, and what only the merge needs to know."""

    accelerator: Accelerator
    cores: int | None = None  # SMs, compute units or GPU cores of the whole card
    other_names: tuple[str, ...] = ()  # under which the catalogue may know it, after its own
    whole_memory_bytes: int | None = None  # of the whole card, for a slice
    memory_share: float = 1.0  # of the card's bandwidth
    compute_share: float = 1.0  # of its FLOP/s
    integrated: bool = False  # part of the processor: worth listing only when the catalogue knows it
