"""How NVIDIA GPUs reach each other: NVLink peers and rate, and peer access over PCIe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from advisor.probe.card import Card
from advisor.probe.nvml import Nvml

# Numbers of nvml.h. pynvml's own NVML_P2P_CAPS_INDEX_READ is a tuple by a stray comma, so they stand here.
_P2P_READ, _P2P_WRITE, _P2P_NVLINK = 0, 1, 2
_P2P_OK = 0
_NVLINK_ACTIVE = 1
_NVLINK_MAX_LINKS = 18
_FIELD_NVLINK_MB_PER_S = 90  # NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON, one link, one direction


def with_links(nvml: Nvml, handles: Sequence[Any], cards: Sequence[Card]) -> list[Card]:
    """The same cards with their NVLink peers, rate and PCIe peer access."""
    return [_linked(nvml, handles, index, card) for index, card in enumerate(cards)]


def _linked(nvml: Nvml, handles: Sequence[Any], index: int, card: Card) -> Card:
    others = [other for other in range(len(handles)) if other != index]
    status = {other: _status(nvml, handles[index], handles[other]) for other in others}
    peers = tuple(other for other in others if status[other][_P2P_NVLINK])
    over_pcie = [_both(status[other]) for other in others if other not in peers]
    answered = [able for able in over_pcie if able is not None]
    return replace(
        card,
        accelerator=replace(
            card.accelerator,
            nvlink_peers=peers,
            nvlink_bytes_per_s=_nvlink_bytes_per_s(nvml, handles[index]) if peers else None,
            pcie_peer_access=all(answered) if answered else None,
        ),
    )


def _status(nvml: Nvml, one: Any, other: Any) -> dict[int, bool | None]:
    """Whether reads, writes and NVLink work from one card to the other; None: not answered."""
    answers = {
        capability: nvml.quietly("nvmlDeviceGetP2PStatus", one, other, capability)
        for capability in (_P2P_READ, _P2P_WRITE, _P2P_NVLINK)
    }
    return {capability: None if answer is None else answer == _P2P_OK for capability, answer in answers.items()}


def _both(status: dict[int, bool | None]) -> bool | None:
    read, write = status[_P2P_READ], status[_P2P_WRITE]
    return None if read is None or write is None else read and write


def _nvlink_bytes_per_s(nvml: Nvml, handle: Any) -> float | None:
    """Active links times the rate of one, in one direction."""
    states = [nvml.quietly("nvmlDeviceGetNvLinkState", handle, link) for link in range(_NVLINK_MAX_LINKS)]
    active = sum(1 for state in states if state == _NVLINK_ACTIVE)
    megabytes = nvml.field(handle, _FIELD_NVLINK_MB_PER_S)
    return active * megabytes * 1e6 if active and megabytes else None
