"""Shapes of `data/vendors.yaml`: how an engine runs on a maker's cards, and what its unified memory may be used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from advisor.schema import value


@value
class Switch:
    """A variable without which an engine leaves some cards out."""

    name: str
    text: str
    because: str
    only: tuple[str, ...] = ()  # compute capabilities or targets; empty: any
    but: tuple[str, ...] = ()  # those that need none
    unified: bool = False  # for graphics in the host's memory alone

    def needed(self, capability: str | None, *, unified: bool) -> bool:
        """Whether a card of that capability or target needs it."""
        named = not self.only or capability in self.only
        return named and capability not in self.but and (unified or not self.unified)


@value
class Build:
    """How the pinned version of an engine runs on a vendor's cards."""

    backend: str  # "cuda", "rocm", ...: the `variant` of a launch
    image: str  # pinned by tag; {version} is the engine's
    in_container: bool = True  # False: no image reaches the card, so nothing that needs one is written
    cards_variable: str | None = None  # names the cards that the engine may use; the others are hidden
    kernel_caches: Mapping[str, str] = field(default_factory=dict)  # volume → folder of compiled kernels in the image
    writable: bool = False  # the image's own folders have to be writable
    security_options: tuple[str, ...] = ()  # beyond the usual ones
    capabilities: tuple[str, ...] = ()
    fp8_in_hardware_only: bool = False  # FP8 weights need a card that multiplies them
    on_pypi: bool = False  # the engine's package there is this build
    archive: str | None = None  # libraries beside the engine's own archive, without containers
    examples: str | None = None  # where the image keeps the example files of the engine's repository
    switches: tuple[Switch, ...] = ()
    others: Build | None = None  # for targets that this one is not built for
    chart_name: str | None = None  # what the engine's Helm chart calls these cards


@value
class MemoryShare:
    """How much of a machine's unified memory its GPU may use."""

    fraction: float  # the least that was measured, which is planned with
    up_to_gib: float | None = None  # of memory in the machine; None: any
    most: float | None = None  # that was measured; None: no other


@value
class MemorySwitch:
    """What raises the share of unified memory that a GPU may use."""

    name: str
    command: str  # {mib} or {pages} of memory
    where: str  # it is typed
    kept_gib: float  # for the system, at least
    kept_share: float  # likewise, of the machine's memory
    but: tuple[str, ...] = ()  # targets that have none
