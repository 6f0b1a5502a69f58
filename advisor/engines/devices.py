"""Which cards an engine may use, and which of them belong together."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise

from advisor.catalog.entries import EngineLimits
from advisor.catalog.vendors import no_back_end, vendor_of
from advisor.schema import Accelerator, Candidate, Hardware
from advisor.units import whole

Group = tuple[Accelerator, ...]

FP8_GFX = ("gfx942", "gfx950", "gfx1200", "gfx1201")  # AMD targets with FP8 matrix instructions


def capability(card: Accelerator) -> tuple[int, int] | None:
    """CUDA compute capability as two numbers, so that 12.0 is above 8.9; None where there is none."""
    return _numbers(card.compute_capability or "") if vendor_of(card).cuda_capability else None


@functools.cache
def _numbers(text: str) -> tuple[int, int] | None:
    """Both numbers of "8.9"; None where there are no two."""
    if "." not in text:
        return None
    major, minor = map(whole, text.split(".", 1))
    return None if major is None or minor is None else (major, minor)


def at_least(card: Accelerator, lowest: str) -> bool:
    """Whether a CUDA card has compute capability `lowest` ("8.9") or higher."""
    have = capability(card)
    if have is None:
        return False
    major, minor = lowest.split(".", 1)
    return have >= (int(major), int(minor))


def has_fp8(card: Accelerator) -> bool:
    """Whether the card multiplies FP8 numbers itself; else FP8 saves memory only."""
    return at_least(card, "8.9") or card.compute_capability in FP8_GFX


def usable(card: Accelerator, limits: EngineLimits) -> bool:
    """Whether the pinned build of an engine runs on this card, by maker and generation (not by memory)."""
    vendor = vendor_of(card)
    if vendor.name not in limits.accelerators or no_back_end(card, limits.name) is not None:
        return False
    if vendor.cuda_capability and limits.min_cuda_capability:
        return capability(card) is None or at_least(card, limits.min_cuda_capability)
    if vendor.build_targets and limits.gfx_targets:
        covered = card.compute_capability is None or card.compute_capability in limits.gfx_targets
        return covered or "other_targets" in limits.features
    return True


def groups(hardware: Hardware) -> tuple[Group, ...]:
    """Cards of the same model, largest total memory first; MIG slices alone, as they cannot work together."""
    found: dict[tuple[str, int, int | None], list[Accelerator]] = {}
    for card in hardware.accelerators:
        alone = card.index if card.mig_profile else None
        found.setdefault((card.name, card.memory_bytes >> 30, alone), []).append(card)
    return tuple(tuple(group) for group in sorted(found.values(), key=lambda g: -sum(card.memory_bytes for card in g)))


def mixed(cards: Sequence[Accelerator]) -> Group:
    """Unequal cards that can hold one model together: all of one maker, under one runtime (CUDA), none of them a slice.

    Empty where they are equal, or where no two kinds of them can.
    """
    able = tuple(card for card in cards if vendor_of(card).cuda_capability and not card.mig_profile)
    return able if len({(card.name, card.memory_bytes >> 30) for card in able}) > 1 else ()


def unequal(cards: Sequence[Accelerator]) -> bool:
    """Whether there are several kinds of cards among them."""
    return len({card.name for card in cards}) > 1


def counts(most: int) -> tuple[int, ...]:
    """1, 2, 4, ... and all: the numbers of equal cards worth trying."""
    doubled = [1 << step for step in range(most.bit_length()) if 1 << step <= most]
    return tuple(doubled if doubled and doubled[-1] == most else [*doubled, most])


def pick(group: Sequence[Accelerator], count: int) -> Group:
    """The `count` cards of a group with the most free memory, NVLink neighbours of the first preferred."""
    ranked = sorted(group, key=lambda card: (-(card.unheld_bytes >> 28), card.index))
    first, rest = ranked[0], ranked[1:]
    near = sorted(rest, key=lambda card: card.index not in first.nvlink_peers)
    return tuple(sorted([first, *near[: count - 1]], key=lambda card: card.index))


def cards_of(candidate: Candidate, hardware: Hardware) -> Group:
    """The accelerators of a candidate, all replicas together."""
    return tuple(card for card in hardware.accelerators if card.index in candidate.gpu_indices)


def linked(cards: Sequence[Accelerator]) -> bool:
    """Whether every card reaches every other by NVLink."""
    everyone = {card.index for card in cards}
    return all(everyone - {card.index} <= set(card.nvlink_peers) for card in cards)


def indices(cards: Sequence[Accelerator]) -> tuple[int, ...]:
    """The driver's numbers of the cards."""
    return tuple(card.index for card in cards)


def hides_cards(candidate: Candidate, hardware: Hardware) -> bool:
    """Whether cards must be hidden from the engine; of MIG slices CUDA takes the first by itself."""
    cards = cards_of(candidate, hardware)
    sliced = any(card.mig_profile for card in cards)
    return bool(cards) and not sliced and len(cards) < len(hardware.accelerators)


def ladder(steps: Sequence[int], least: float) -> int:
    """The smallest step that is at least `least`; the last one where none is."""
    for below, step in pairwise((0, *steps)):
        if below < least <= step:
            return step
    return steps[0] if least <= 0 else steps[-1]
