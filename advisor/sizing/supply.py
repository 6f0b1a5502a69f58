"""Which cards can be had, how many of each, and how many one has already."""

from __future__ import annotations

import re
from dataclasses import replace

from advisor.catalog.entries import GpuSpec
from advisor.engines.beside import with_reserve
from advisor.errors import BadInput
from advisor.physics.memo import by_value_and_identity
from advisor.probe.named import named
from advisor.probe.network import with_nodes
from advisor.probe.simulate import simulate
from advisor.schema import MOST_A_HOST, MOST_NODES, Hardware, Question, Workload, value
from advisor.search.more import offered, stays_alone
from advisor.search.step import on

_COUNT = re.compile(r"^\s*(\d+) ?[x×]\s*", re.IGNORECASE)


@value
class Supply:
    """One kind of card."""

    text: str  # as `--gpu` takes it, without a number
    spec: GpuSpec
    most: int = MOST_A_HOST * MOST_NODES  # that can be had, those one has included
    owned: int = 0


@value
class Limits:
    """What may not be exceeded."""

    cards_a_host: int = MOST_A_HOST
    watts: float | None = None  # all cards together
    purchase: float | None = None
    per_month: float | None = None
    spare: int = 0  # machines that may be down while the targets hold

    def fleet(self, supply: Supply) -> int:
        """The most cards of one kind within watts and number."""
        draw = supply.spec.tdp_watts
        if self.watts is None:
            return supply.most
        return min(supply.most, int(self.watts // draw)) if draw else 0

    def host(self, supply: Supply) -> int:
        """The most of them in one machine; a chip that shares its memory, and a laptop's, is alone."""
        return min(1 if stays_alone(supply.spec) else self.cards_a_host, self.fleet(supply))


def supplies(can_get: str | None, have: str | None) -> tuple[Supply, ...]:
    """What was named, each card once; else every card of the catalogue that is sold, and what one has.

    Raises:
        BadInput: a name that is no card, or two different cards in one.
    """
    named_cards = [_read(text, "--can-get") for text in _parts(can_get, "--can-get")]
    held = {card.spec.id: replace(card, owned=number) for card, number in _held(have)}
    sold = (Supply(text=spec.id, spec=spec) for spec in offered())
    known = [card for card, _ in named_cards] if can_get is not None else list(sold)
    most = {card.spec.id: number for card, number in named_cards if number is not None}
    found = {card.spec.id: card for card in known} | {
        key: card for key, card in held.items() if can_get is None or key not in most
    }
    return tuple(_joined(card, held, most) for card in found.values())


def _joined(card: Supply, held: dict[str, Supply], most: dict[str, int]) -> Supply:
    """With what one has of it, and no more than can be had beside that."""
    owned = held[card.spec.id].owned if card.spec.id in held else 0
    return replace(card, owned=owned, most=most[card.spec.id] + owned if card.spec.id in most else card.most)


def _held(have: str | None) -> list[tuple[Supply, int]]:
    return [(card, number or 1) for card, number in (_read(text, "--have") for text in _parts(have, "--have"))]


def _parts(text: str | None, option: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")] if text is not None else []
    if not all(parts):
        given = ", ".join(filter(None, parts)) or "RTX 4090, 2x L40S"
        said = f'{option}: {text!r} has an empty name; accepted is e.g. "RTX 4090, 2x L40S"'
        raise BadInput(said, near=given, seen=text, flag=option)
    return parts


def _read(text: str, option: str) -> tuple[Supply, int | None]:
    """A card and its number; None where none was written."""
    number = _COUNT.match(text)
    try:
        specs = named(text).specs
    except BadInput as error:
        error.flag = error.flag and option  # what is offered is typed there
        raise
    if len({spec.id for spec in specs}) != 1:
        raise BadInput(f"{option}: {text!r} names {len(specs) or 'no'} cards; name one kind, commas between kinds")
    bare = text[number.end() :] if number else text
    if number is None and len(specs) > 1:
        raise BadInput(f"{option}: {text!r} is a machine; name the card, its number first")
    return Supply(text=bare, spec=specs[0]), len(specs) if number else None


def machine(supply: Supply, cards: int, hosts: int, workload: Workload) -> Hardware:
    """So many machines with so many of the card, as `--gpu` and `--nodes` name them."""
    one = simulate(supply.text, cards)
    several = one if hosts == 1 else with_nodes(one, replace(workload, nodes=hosts))
    return with_reserve(several, workload)


def question_on(question: Question, supply: Supply, cards: int, hosts: int) -> Question:
    """The same question about those machines."""
    return _on((cards, hosts), question, supply)


@by_value_and_identity
def _on(number: tuple[int, int], question: Question, supply: Supply) -> Question:
    """One question for each number, so that what was estimated for it is known when it is asked again."""
    return on(question, machine(supply, *number, question.workload))
