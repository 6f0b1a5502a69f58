"""Which card gets how many layers: by free memory, as far as each card's room reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Card(NamedTuple):
    """A card's bytes: in all, for llama-server (free now, less its margin), and taken before any layer."""

    number: int  # as the driver counts
    device: int
    budget: float
    fixed: float


class Placed(NamedTuple):
    """A card with its layers."""

    card: Card
    layers: int
    has_head: bool


def capacity(card: Card, layer: float, head: float) -> int:
    """Layers that fit the card beside what is fixed and `head` bytes."""
    room = card.budget - card.fixed - head
    return max(math.floor(room / layer + 1e-9), 0) if layer > 0 else 0


def place(cards: Sequence[Card], layers: int, layer: float, head: float) -> tuple[Placed, ...] | None:
    """Spread layers in proportion to the cards' room, the head on the last one. None: they do not fit.

    The order of the cards is the order of the layers.
    """
    limits = [capacity(card, layer, head if card is cards[-1] else 0.0) for card in cards]
    if sum(limits) < layers or cards[-1].budget < cards[-1].fixed + head:
        return None
    wanted = shares([max(card.budget - card.fixed, 0.0) for card in cards], layers)
    taken = [min(want, limit) for want, limit in zip(wanted, limits, strict=True)]
    rest = layers - sum(taken)
    for number, limit in enumerate(limits):
        more = min(limit - taken[number], rest)
        taken[number] += more
        rest -= more
    return tuple(Placed(card, count, card is cards[-1]) for card, count in zip(cards, taken, strict=True))


def shares(rooms: Sequence[float], layers: int) -> list[int]:
    """Whole layers in proportion to the rooms; they add up to `layers`."""
    total = sum(rooms)
    if total <= 0:
        return [0] * (len(rooms) - 1) + [layers]
    edges = [round(layers * sum(rooms[: number + 1]) / total) for number in range(len(rooms))]
    return [edge - before for before, edge in zip([0, *edges], edges, strict=False)]


def most_layers(cards: Sequence[Card], layer: float, head: float) -> int:
    """Layers that fit the cards together, the head among them; 0 where not even the head fits."""
    last = cards[-1]
    if last.budget < last.fixed + head:
        return 0
    return sum(capacity(card, layer, head if card is last else 0.0) for card in cards)
