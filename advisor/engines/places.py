"""What a driver's own tools call the cards: a number each, and parent:child for MIG slices.

Our `index` counts what a plan may use, so that behind a card in slices it is not the driver's number any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from advisor.catalog import gpus
from advisor.schema import Accelerator, Hardware
from advisor.units import GIB

_PROFILE = re.compile(r"(\d+)g\.(\d+)gb")
_COMPUTE_SLICES = 7  # of a whole card; the most that any has


class _Open(NamedTuple):
    """The card that the slices read so far lie on."""

    parent: int = -1
    name: str = ""  # empty: it takes no more slices
    children: int = 0
    compute: int = 0
    gigabytes: int = 0


def place(card: Accelerator, hardware: Hardware) -> str:
    """`"1"` for a whole card, `"0:1"` for the second slice of the first."""
    return places(hardware)[card.index]


def places(hardware: Hardware) -> Mapping[int, str]:
    """Our index → what the driver's tools call the card.

    A recording that does not hold it lists slices in the driver's order: they are laid on cards one after the other,
    as many on each as it has room for.
    """
    found: dict[int, str] = {}
    on = _Open()
    for card in hardware.accelerators:
        on = _next(on, card)
        guessed = f"{on.parent}:{on.children - 1}" if card.mig_profile else str(on.parent)
        found[card.index] = card.place or guessed
    return found


def joined(cards: Iterable[Accelerator], hardware: Hardware) -> str:
    """The places of some cards, as variables and tools take them: `"0,1"`."""
    known = places(hardware)
    return ",".join(known[card.index] for card in cards)


def _next(on: _Open, card: Accelerator) -> _Open:
    profile = _PROFILE.search(card.mig_profile or "")
    if not card.mig_profile:
        return _Open(parent=on.parent + 1)
    compute, size = (int(profile[1]), int(profile[2])) if profile else (_COMPUTE_SLICES, 0)
    name = re.sub(r"\s*MIG .*", "", card.name)
    full = on.compute + compute > _COMPUTE_SLICES or on.gigabytes + size > _whole_gb(card)
    if name != on.name or full:
        on = _Open(parent=on.parent + 1, name=name)
    return on._replace(children=on.children + 1, compute=on.compute + compute, gigabytes=on.gigabytes + size)


def _whole_gb(card: Accelerator) -> float:
    """Printed size of the card that the slice was cut from; no limit where it is not known."""
    spec = next((spec for spec in gpus() if spec.id == card.catalog_id), None)
    return (spec.memory_nominal_gb or spec.memory_bytes / GIB) + 1 if spec else float("inf")
