"""What a vendor's reader finds: accelerators before the catalogue's facts are merged in, and versions of drivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from advisor.probe.host import Host
from advisor.schema import Accelerator, Cpu


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
    maybe_one_die: bool = False  # drivers of this vendor list each die of a card as a GPU

    def moved(self, by: int) -> Card:
        """The same card behind so many others."""
        own = self.accelerator
        peers = tuple(peer + by for peer in own.nvlink_peers)
        return replace(self, accelerator=replace(own, index=own.index + by, nvlink_peers=peers))


@dataclass(frozen=True)
class Reading:
    """Every card of one vendor, numbered from 0, and the versions of its driver."""

    cards: tuple[Card, ...] = ()
    versions: Mapping[str, str | None] = field(default_factory=dict)  # by field of `Hardware`
    cpu: Cpu | None = None  # where it is one chip with the GPU


class Reader(Protocol):
    """The interface of a vendor's module."""

    def ask(self, host: Host) -> Any:
        """Start the programs that take long; `read` is handed what this returns."""
        ...

    def read(self, host: Host, asked: Any, unknown: dict[str, str]) -> Reading:
        """Every card. What did not answer has its reason in `unknown`, by the card's number within this reading."""
        ...
