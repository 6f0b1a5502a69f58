"""Memory of each kind of card as a bar in SVG, with what each part is."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from markupsafe import Markup

from advisor.report.memory_bar import HELD, groups, named, room, shares, split
from advisor.schema import Estimate, Hardware
from advisor.units import gib

_FILLS = {
    "weights": 'fill="var(--memory-0,currentColor)"',
    "KV cache": 'fill="var(--memory-1,currentColor)" fill-opacity=".75"',
    "other": 'fill="currentColor" fill-opacity=".55"',
    HELD: 'fill="var(--target,currentColor)" fill-opacity=".5"',
    "free": 'fill="currentColor" fill-opacity=".1"',
}
_WIDE, _HIGH = 1000, 24


class Bar(NamedTuple):
    """One kind of device: its name, how much it has, the drawing, its parts with their keys, what else to say."""

    name: str
    total: str
    svg: Markup
    keys: tuple[tuple[Markup, str], ...]  # a drawn square, and what it stands for
    note: str


def memory_bar_svgs(estimate: Estimate, hardware: Hardware) -> tuple[list[Bar], list[str]]:
    """The fullest kind of card as a bar, and a sentence for each other kind and for cards that are not needed."""
    memory, kinds = estimate.memory, groups(estimate, hardware)
    fullest, rest = split(kinds, memory)
    parts = [part for part in shares(memory, fullest) if part[1] > 0 or part[0] == "free"]
    name = f"{fullest[0]}, {fullest[1][0].name}" if fullest else "RAM"
    keys = tuple((_square(part), f"{part} {gib(size)}") for part, size in parts)
    bar = Bar(name, gib(memory.device_bytes), _drawn(name, parts, memory.device_bytes), keys, room(estimate))
    told = [f"{other}: {gib(cards[0].memory_bytes)}, less full than that" for other, cards in rest]
    spare = [card.index for card in hardware.accelerators if card.index not in estimate.candidate.gpu_indices]
    return [bar], told + ([f"{named(spare)}: not needed"] if spare else [])


def _drawn(name: str, parts: list[tuple[str, int]], total: int) -> Markup:
    said = f"{name}: {', '.join(f'{part} {gib(size)}' for part, size in parts)}"
    at, drawn = 0.0, []
    for part, size in parts:
        wide = min(_WIDE * size / total, _WIDE - at)
        drawn.append(f'<rect x="{at:.1f}" width="{wide:.1f}" height="{_HIGH}" {_FILLS[part]}/>')
        at += wide
    head = f'<svg class="memory" viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" role="img" height="24"'
    return Markup(f"{head}><title>{escape(said)}</title>{''.join(drawn)}</svg>")  # noqa: S704 - its text is escaped


def _square(part: str) -> Markup:
    box = '<svg class="key" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><rect width="10" height="10"'
    return Markup(f"{box} {_FILLS[part]}/></svg>")  # noqa: S704 - nothing of a plan is in it
