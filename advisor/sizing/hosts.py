"""How many machines of one kind a load needs: every whole number is in question, none is skipped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from advisor.physics.bisect import narrowed
from advisor.schema import MOST_NODES, Question, value
from advisor.search.bounds import worth_a_look
from advisor.sizing.bounds import least_cards
from advisor.sizing.carrying import Likely, carrying
from advisor.sizing.load import scale_of
from advisor.sizing.supply import Limits, Supply, question_on


@value
class Fit:
    """Machines that carry the load: `hosts` of them must run, `spare` more may be down."""

    supply: Supply
    cards_a_host: int
    hosts: int
    spare: int = 0

    @property
    def hosts_in_all(self) -> int:
        """With the spare ones."""
        return self.hosts + self.spare

    @property
    def cards(self) -> int:
        """Over all machines, the spare ones included."""
        return self.cards_a_host * self.hosts_in_all


def carried(question: Question, supply: Supply, cards: int, hosts: int, likely: Likely | None = None) -> bool:
    """Whether those machines meet the targets: what `recommend` would say about them."""
    asked = question_on(question, supply, cards, hosts)
    return worth_a_look(asked) and carrying(asked, likely) is not None


def on_one(
    question: Question, supply: Supply, limits: Limits, beyond: int, guess: int = 1, likely: Likely | None = None
) -> Fit | None:
    """The fewest cards in one machine that carry the load, below `beyond`; None: no number does, or one may be down.

    Args:
        guess: where to look first, as of another card with as much memory in all.
        likely: kinds of ways that carried it with other cards.
    """
    least, most = least_cards(question, supply.spec), limits.host(supply)
    if limits.spare or least > most:
        return None
    cards = _least(lambda number: carried(question, supply, number, 1, likely), least, min(most + 1, beyond), guess)
    return None if cards is None else Fit(supply=supply, cards_a_host=cards, hosts=1)


def on_several(
    question: Question, supply: Supply, limits: Limits, beyond: int, likely: Likely | None = None
) -> Fit | None:
    """As few machines, all alike, as carry the load, each with as few cards as do, together below `beyond`.

    Where some may be down, more and smaller machines may need fewer cards in all: they are tried as long as they can.
    """
    least, most = least_cards(question, supply.spec), limits.host(supply)
    beyond = min(beyond, limits.fleet(supply) + 1)
    first = max(math.ceil(least / most), 1 if limits.spare else 2)
    if not limits.spare and beyond <= most + 1:
        return None  # one machine with as many cards was asked
    stop = min(MOST_NODES + 1, beyond) - limits.spare
    if stop <= first or not _ever(question, supply, most, stop - 1):
        return None

    def holds(each: int, machines: int) -> bool:
        return carried(question, supply, each, machines, likely)

    hosts = _least(lambda number: holds(most, number), first, stop)
    best: Fit | None = None
    while hosts is not None and hosts < stop:
        fleet = best.cards if best else beyond
        end = min(most + 1, math.ceil(fleet / (hosts + limits.spare)))
        cards = _least(lambda number, m=hosts: holds(number, m), math.ceil(least / hosts), end)  # type: ignore[misc]
        if cards is not None:
            best = Fit(supply=supply, cards_a_host=cards, hosts=hosts, spare=limits.spare)
        if not limits.spare or (best and best.cards_a_host == 1):
            break
        hosts += 1
    return best


def _ever(question: Question, supply: Supply, cards: int, hosts: int) -> bool:
    """Whether one request is served in time, and the load by the most machines that there may be."""
    alone = scale_of(question.workload).asked(question_on(question, supply, cards, 1), 1)
    return carrying(alone) is not None and carried(question, supply, cards, hosts)


def _least(holds: Callable[[int], bool], first: int, stop: int, guess: int = 1) -> int | None:
    """The smallest number from `first` to below `stop` for which it holds, which may only turn true; None: none."""
    start = min(max(first, guess), stop - 1)
    if start < first:
        return None
    no, yes = _downward(holds, first, start) if holds(start) else _upward(holds, start, stop)
    return None if yes is None else narrowed(lambda n: None if holds(n) else True, (no, True), yes)[0] + 1


def _downward(holds: Callable[[int], bool], first: int, yes: int) -> tuple[int, int]:
    """From a yes: a number that is a no, or lies before the first, and one above it that is a yes."""
    step = 1
    while yes > first:
        below = max(yes - step, first)
        if not holds(below):
            return below, yes
        yes, step = below, 2 * step
    return first - 1, yes


def _upward(holds: Callable[[int], bool], no: int, stop: int) -> tuple[int, int | None]:
    """From a no: the last that was one, and the first above it that was a yes."""
    for number in _growing(no + 1, stop):
        if holds(number):
            return no, number
        no = number
    return no, None


def _growing(first: int, stop: int) -> Iterator[int]:
    """`first`, then growing steps, at last the number before `stop`."""
    number, step = first, 1
    while number < stop:
        yield number
        if number == stop - 1:
            return
        number, step = min(number + step, stop - 1), 2 * step
