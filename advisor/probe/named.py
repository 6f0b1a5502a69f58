"""What the name of a machine says, as `--gpu` and a row of `predict` give it: its cards, their links, their power."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from advisor.catalog import gpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_names import parse_gpus
from advisor.errors import BadInput
from advisor.probe.slots import UNSTATED, Links, links_in, pcie, peers
from advisor.schema import Accelerator

_POWER_LIMIT = re.compile(r"\s*(?:@|\bat)\s*(\d+)\s*W\s*$", re.IGNORECASE)
_CPU_ONLY = re.compile(r"(?:cpu|none|no gpu)|cpu\W+(.+)", re.IGNORECASE)


class Named(NamedTuple):
    """A machine as somebody names it."""

    text: str
    specs: tuple[GpuSpec, ...] = ()  # one for each card; empty: a machine without any
    processor: str = ""  # by its model line, of a machine without cards
    watts: float | None = None  # that each card may draw; None: as sold
    links: Links = UNSTATED


def named(text: str, count: int = 1, watts: float | None = None, *, guess: bool = False) -> Named:
    """Read `2x RTX 4090`, `RTX 3090 + RTX 4090`, `2x RTX 3090 nvlink at 220 W`, `Apple M3 Max 64GB`, `CPU: EPYC 9654`.

    Args:
        text: the cards, and words on their links and their power limit.
        count: how often, where the text names one card.
        watts: the power limit of each card, where the text gives none.
        guess: a question (which memory size?) is answered by the largest, in place of an error.

    Raises:
        BadInput: a card is unknown or ambiguous, or two counts contradict each other.
    """
    cards, links = links_in(text)
    limit = _POWER_LIMIT.search(cards)
    if limit:
        cards, watts = cards[: limit.start()], float(limit[1])
    processor = _CPU_ONLY.fullmatch(" ".join(cards.split()))
    if processor:
        return Named(text, processor=processor[1] or "", watts=watts)
    specs = [spec for number, spec in parse_gpus(cards, guess=guess) for _ in range(number)]
    if count not in (1, len(specs)) and len(specs) > 1:
        raise BadInput(f"GPU {text!r} names {len(specs)} cards, and the count beside it is {count}")
    return Named(text, tuple(specs if len(specs) > 1 else specs * count), watts=watts, links=links)


def accelerator(spec: GpuSpec, index: int, linked: Sequence[int], links: Links = UNSTATED) -> Accelerator:
    """A card of the catalogue, joined by NVLink or Infinity Fabric to the cards of those numbers.

    Of unified memory it has the share that its GPU may use. A slot that is said to be slower slows the card.
    """
    share = spec.gpu_memory_fraction if spec.unified_memory and spec.gpu_memory_fraction else 1.0
    generation, width = pcie(spec.interconnect)
    return Accelerator(
        index=index,
        name=spec.name,
        vendor=spec.vendor,
        device_class=spec.device_class,
        memory_bytes=int(spec.memory_bytes * share),
        catalog_id=spec.id,
        architecture=spec.architecture,
        compute_capability=spec.compute_capability,
        bandwidth_bytes_per_s=spec.bandwidth_bytes_per_s,
        dense_flops=spec.dense_flops,
        unified_memory=spec.unified_memory,
        pcie_generation=_slower(generation, links.generation),
        pcie_width=_slower(width, links.width),
        pcie_width_max=width,
        pcie_peer_access=spec.pcie_peer_access if links.peer_access is None else links.peer_access,
        nvlink_peers=tuple(linked),
        nvlink_bytes_per_s=spec.nvlink_bytes_per_s if linked else None,
        tdp_watts=spec.tdp_watts,
        usd_per_hour=spec.usd_per_hour,
    )


def alike(card: Accelerator, count: int) -> tuple[Accelerator, ...]:
    """So many of a card that is there, joined as `named` cards of its kind are: as their board brings it."""
    spec = next((spec for spec in gpus() if spec.id == card.catalog_id), None)
    joined = peers([spec] * count, None) if spec else [()] * count
    rate = spec.nvlink_bytes_per_s if spec else None
    return tuple(
        replace(card, index=number, nvlink_peers=linked, nvlink_bytes_per_s=rate if linked else None)
        for number, linked in enumerate(joined)
    )


def _slower(card: int | None, slot: int | None) -> int | None:
    """What card and slot can both do; None where neither is known."""
    return min((known for known in (card, slot) if known is not None), default=None)
