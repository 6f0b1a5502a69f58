"""vGPU: a card's share in a virtual machine, whose driver tells its memory and nothing of its speed."""

from __future__ import annotations

from dataclasses import replace

from advisor.catalog import gpus
from advisor.catalog.gpu_driver import vgpu_gb, vgpu_share
from advisor.schema import Accelerator, Hardware


def with_shares(hardware: Hardware) -> Hardware:
    """Recorded vGPUs with the part of their card's speed that they have of its memory; whole cards stay as they are."""
    return replace(hardware, accelerators=tuple(_shared(card) for card in hardware.accelerators))


def _shared(card: Accelerator) -> Accelerator:
    spec = next((spec for spec in gpus() if spec.id == card.catalog_id), None)
    if spec is None or vgpu_gb(card.name) is None:
        return card
    share = vgpu_share(card.name, spec)
    return replace(
        card,
        bandwidth_bytes_per_s=spec.bandwidth_bytes_per_s and spec.bandwidth_bytes_per_s * share,
        dense_flops={dtype: rate * share for dtype, rate in spec.dense_flops.items()},
        nvlink_peers=(),
        nvlink_bytes_per_s=None,
        pcie_peer_access=False,
        tdp_watts=None,
        usd_per_hour=None,
    )
