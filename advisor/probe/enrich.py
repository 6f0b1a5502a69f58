"""The catalogue's facts about a card, merged into what its driver said; the driver is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_driver import match_driver_name, vgpu_share
from advisor.probe.card import Card
from advisor.schema import Accelerator


def accelerators(cards: Iterable[Card], unknown: dict[str, str]) -> tuple[Accelerator, ...]:
    """Every card with its catalogue facts; integrated graphics that the catalogue lacks is left out."""
    kept: list[Accelerator] = []
    for card in cards:
        own, spec = card.accelerator, _spec(card)
        if spec is not None:
            kept.append(_merged(card, spec, f"accelerators.{own.index}", unknown))
        elif card.integrated:
            unknown["integrated_gpu"] = f"{own.name}: part of the processor and not in the catalogue, so left out"
        else:
            unknown[f"accelerators.{own.index}.catalog_id"] = f"{own.name!r} is not in the catalogue"
            kept.append(own)
    return _renumbered(kept, unknown)


def _renumbered(kept: Sequence[Accelerator], unknown: dict[str, str]) -> tuple[Accelerator, ...]:
    """Number what is kept from 0 on, and the reasons with it."""
    numbers = {accelerator.index: number for number, accelerator in enumerate(kept)}
    for key in [key for key in unknown if key.startswith("accelerators.")]:
        _, old, rest = key.split(".", 2)
        reason = unknown.pop(key)
        if int(old) in numbers:
            unknown[f"accelerators.{numbers[int(old)]}.{rest}"] = reason
    return tuple(
        replace(
            accelerator,
            index=numbers[accelerator.index],
            nvlink_peers=tuple(numbers[peer] for peer in accelerator.nvlink_peers if peer in numbers),
        )
        for accelerator in kept
    )


def _spec(card: Card) -> GpuSpec | None:
    total = card.whole_memory_bytes or card.accelerator.memory_bytes or None
    for name in (card.accelerator.name, *card.other_names):
        spec = match_driver_name(name, total, card.cores)
        if spec is not None:
            return spec
    return None


def _merged(card: Card, spec: GpuSpec, key: str, unknown: dict[str, str]) -> Accelerator:
    own = card.accelerator
    memory_share, compute_share = _shares(card, spec)
    whole = memory_share == 1.0
    memory_bytes = own.memory_bytes
    if not memory_bytes and spec.memory_bytes:
        memory_bytes = spec.memory_bytes
        unknown[f"{key}.memory_bytes"] = "the driver names no total: the data sheet's is taken"
    if spec.bandwidth_bytes_per_s is None:
        unknown[f"{key}.bandwidth_bytes_per_s"] = f"no source gives the bandwidth of {spec.name}"
    return replace(
        own,
        catalog_id=spec.id,
        device_class=spec.device_class,
        memory_bytes=memory_bytes,
        architecture=spec.architecture,
        compute_capability=own.compute_capability or spec.compute_capability,
        unified_memory=own.unified_memory or spec.unified_memory,
        bandwidth_bytes_per_s=_scaled(spec.bandwidth_bytes_per_s, memory_share),
        dense_flops={dtype: rate * compute_share for dtype, rate in spec.dense_flops.items()},
        nvlink_bytes_per_s=_link_rate(own, spec),
        pcie_peer_access=spec.pcie_peer_access if own.pcie_peer_access is None else own.pcie_peer_access,
        tdp_watts=spec.tdp_watts if whole else None,
        usd_per_hour=spec.usd_per_hour if whole else None,
    )


def _shares(card: Card, spec: GpuSpec) -> tuple[float, float]:
    """A slice's or a vGPU's share; and one half for cards of two dies that the driver lists as two GPUs (MI250X)."""
    own = card.accelerator
    shared = vgpu_share(own.name, spec)
    if shared < 1:
        return (shared, shared)
    two_dies = card.maybe_one_die and own.memory_bytes * 1.8 < spec.memory_bytes
    return (0.5, 0.5) if two_dies else (card.memory_share, card.compute_share)


def _link_rate(own: Accelerator, spec: GpuSpec) -> float | None:
    """The lower one: the driver may see fewer links than the data sheet, but it counts line code too."""
    if not own.nvlink_peers:
        return None
    known = [rate for rate in (own.nvlink_bytes_per_s, spec.nvlink_bytes_per_s) if rate]
    return min(known, default=None)


def _scaled(rate: float | None, share: float) -> float | None:
    return None if rate is None else rate * share
