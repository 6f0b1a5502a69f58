"""How the cards of a named machine are joined: what their boards bring, and what the words beside a name say.

Cards on a common board (SXM, OAM) come linked. A bridge is bought apart, so it is there only where somebody says
`nvlink`; `no nvlink`, `p2p`, `no p2p` and `PCIe 3.0 x8` are understood as well.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from advisor.catalog.entries import GpuSpec
from advisor.errors import BadInput
from advisor.pattern import Pattern
from advisor.schema import Accelerator

_LEAD = r"(?:^|\s*[,;+&(]\s*|\s+)(?:(?:with|and|on|over)\s+)?"
_NOT = r"(?:(no|without)\s+)?(?:an?\s+)?"
_NVLINK = Pattern(rf"{_LEAD}{_NOT}nvlink(?:ed)?\b(?:\s+bridges?\b)?\s*\)?", re.IGNORECASE, needs=("nvlink",))
_PEER = Pattern(rf"{_LEAD}{_NOT}p2p\b\s*\)?", re.IGNORECASE, needs=("p2p",))
_SLOT = Pattern(rf"{_LEAD}pcie\s?(\d)(?:\.0)?\s?x(\d+)\b(?!/)\s*\)?", re.IGNORECASE, needs=("pcie",))


class Links(NamedTuple):
    """What somebody says about links and slots; None where nothing was said."""

    nvlink: bool | None = None  # None: as the board brings it
    peer_access: bool | None = None  # over PCIe; None: as the stock driver has it for that card
    generation: int | None = None
    width: int | None = None


UNSTATED = Links()


def links_in(text: str) -> tuple[str, Links]:
    """`"2x RTX 3090 nvlink"` → the text without such words, and what they say."""
    nvlink, peer, slot = _NVLINK.search(text), _PEER.search(text), _SLOT.search(text)
    for pattern in (_NVLINK, _PEER, _SLOT):
        text = pattern.sub(" ", text)
    return text.strip(), Links(
        nvlink=not nvlink[1] if nvlink else None,
        peer_access=not peer[1] if peer else None,
        generation=int(slot[1]) if slot else None,
        width=int(slot[2]) if slot else None,
    )


def words_of(links: Links) -> str:
    """The same in words that `links_in` reads; empty where nothing was said."""
    known = (("NVLink", links.nvlink), ("P2P", links.peer_access))
    said = [name if has else f"no {name}" for name, has in known if has is not None]
    slot = [f"PCIe {links.generation}.0 x{links.width}"] if links.width else []
    return " ".join([*slot, *said])


def pcie(interconnect: str) -> tuple[int | None, int | None]:
    """`"none; PCIe 4.0 x8"` → (4, 8): generation and lanes of a catalogue entry."""
    found = re.search(r"PCIe (\d)\.0(?: x(\d+))?", interconnect)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else (None, None)


def peers(specs: Sequence[GpuSpec], nvlink: bool | None) -> list[tuple[int, ...]]:
    """For each card the numbers of those that NVLink or Infinity Fabric joins it to.

    Raises:
        BadInput: NVLink is said of cards for which none is known.
    """
    if nvlink and not any(spec.nvlink_bytes_per_s for spec in specs):
        raise BadInput(f"GPU {specs[0].name!r}: no NVLink is known for this card; leave the word out")
    groups = list(_groups(specs, nvlink))
    return [
        tuple(other for other, its in enumerate(groups) if other != number and its == own)
        for number, own in enumerate(groups)
    ]


def _groups(specs: Sequence[GpuSpec], nvlink: bool | None) -> Iterator[tuple[str, int]]:
    """Which link each card is on: like cards are joined in order, as many as one link holds."""
    seen: Counter[str] = Counter()
    for spec in specs:
        yield spec.id, seen[spec.id] // _joined(spec, nvlink)
        seen[spec.id] += 1


def _joined(spec: GpuSpec, nvlink: bool | None) -> int:
    """How many such cards one link joins; 1 is none."""
    if nvlink is False or not re.search(r"NVLink \d|full mesh", spec.interconnect):
        return 1
    if "bridge" not in spec.interconnect:
        return sys.maxsize
    bridged = 4 if "4-way" in spec.interconnect else 2
    return bridged if nvlink else 1


def how_joined(cards: Sequence[Accelerator], nvlink: bool | None) -> str:
    """How several cards are joined, in words, for the list of what is assumed."""
    joined = [card for card in cards if card.nvlink_peers]
    if all(len(card.nvlink_peers) == len(cards) - 1 for card in cards):
        return "all cards linked by NVLink or Infinity Fabric" + ("" if nvlink else ", as on their board")
    generation, width = cards[0].pcie_generation, cards[0].pcie_width
    slot = f"PCIe {generation}.0 x{width}" if generation and width else "PCIe"
    full = " of full width" if width == cards[0].pcie_width_max else ""
    bridge = f"NVLink joins {len(joined)} of {len(cards)} cards in pairs" if joined else "no NVLink bridge"
    return f"every card in a {slot} slot{full}, {bridge}"
