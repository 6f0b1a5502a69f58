"""What else could be tried with Ollama where no usual way meets the targets: quantisations, sets of cards, caches."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import engine_limits
from advisor.engines.base import May, anything
from advisor.engines.devices import Group, groups, indices, pick, usable
from advisor.engines.ollama.memory import memory
from advisor.engines.ollama.propose import candidate_of, families, flash_attention
from advisor.engines.ollama.sizing import with_slots
from advisor.engines.ollama.weights import every_choice
from advisor.frozen import replace
from advisor.physics.memo import by_identity
from advisor.schema import Candidate, Hardware, ModelSpec, Workload


def levers(hardware: Hardware, workload: Workload, model: ModelSpec, may: May = anything) -> tuple[Candidate, ...]:
    """Every quantisation of the library, on each number of equal cards and on all; what does not fit is left out."""
    return tuple(way for way in _made(hardware, workload, model) if may(way) and _fits(way, hardware, model))


def _fits(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    return memory(with_slots(candidate, 1), hardware, model).fits


@by_identity
def _made(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
    """All of them, whether they fit or not: they are asked for again with other numbers of such machines."""
    limits = engine_limits("ollama")
    return tuple(
        candidate
        for choice in every_choice(model, workload)
        for cards in _sets(hardware)
        if all(usable(card, limits) for card in cards)
        for candidate in both_caches(candidate_of(choice, cards, workload, model), cards)
    )


def _sets(hardware: Hardware) -> tuple[Group, ...]:
    """Each number of equal cards, and all cards of a maker."""
    equal = [pick(group, number) for group in groups(hardware) for number in range(1, len(group) + 1)]
    return tuple({indices(cards): cards for cards in [*equal, *families(hardware)]}.values())


def both_caches(candidate: Candidate, cards: Group) -> Iterator[Candidate]:
    """The candidate, and the same with an 8-bit KV cache where its cards have flash attention."""
    yield candidate
    if all(flash_attention(card) for card in cards):
        yield replace(candidate, kv_cache_dtype="q8_0")
