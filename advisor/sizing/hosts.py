"""How many machines of one kind a load needs: every whole number is in question, none is skipped."""

from __future__ import annotations

import math
from collections.abc import Generator

from advisor.schema import MOST_NODES, Question, value
from advisor.search.bounds import worth_a_look
from advisor.sizing.bounds import least_cards
from advisor.sizing.carrying import carrying
from advisor.sizing.known import Known
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


def carried(question: Question, supply: Supply, limits: Limits, machines: tuple[int, int], known: Known) -> bool:
    """Whether so many cards in each of so many machines meet the targets, where fewer machines do not.

    It is what `recommend` would say about them.
    """
    ceiling, (cards, hosts) = known.ceiling(supply, limits.host(supply)), machines

    def ask() -> bool:
        asked = question_on(question, supply, cards, hosts)
        return worth_a_look(asked) and carrying(asked, known.likely, ceiling.allows) is not None

    def ask_of_several() -> bool:
        repeated = known.repeated(supply, cards, ceiling)
        return bool(repeated.on(hosts)) and repeated.carrying(question_on(question, supply, cards, hosts)) is not None

    if hosts > 1:
        return known.carried(supply.spec, machines, ask_of_several)
    return ceiling.reaches(cards, 1) and known.carried(supply.spec, machines, ask)


Least = tuple[int, int]  # cards and machines in all: no fewer are found
Asking = Generator[Least, None, Fit | None]


def fewest(question: Question, supply: Supply, limits: Limits, beyond: int, known: Known) -> Asking:
    """The fewest cards in one machine that carry the load; where none does, or one may be down, as few in several.

    Before each question that costs time it says what it may find at the least, so that whoever asks about many kinds of
    cards goes on where most is to be gained.

    Args:
        question: the load.
        supply: the kind of card.
        limits: of a machine and of all.
        beyond: more cards than may be found.
        known: what was said of this load before.
    """
    found = None if limits.spare else (yield from _one(question, supply, limits, beyond, known))
    return found or (yield from _several(question, supply, limits, beyond, known))


def on_one(question: Question, supply: Supply, limits: Limits, beyond: int, known: Known | None = None) -> Fit | None:
    """The fewest cards in one machine that carry the load, below `beyond`; None: no number does."""
    return _found(_one(question, supply, limits, beyond, known or Known(question)))


def on_several(
    question: Question, supply: Supply, limits: Limits, beyond: int, known: Known | None = None
) -> Fit | None:
    """Where one does not: as few machines, all alike, as carry the load, with as few cards, below `beyond` in all."""
    return _found(_several(question, supply, limits, beyond, known or Known(question)))


def _found(asking: Asking) -> Fit | None:
    while True:
        try:
            next(asking)
        except StopIteration as end:
            found: Fit | None = end.value
            return found


def _one(question: Question, supply: Supply, limits: Limits, beyond: int, known: Known) -> Asking:
    """One number after the other: few lie between what is in reach and what carries it."""
    most = limits.host(supply)
    ceiling, last = known.ceiling(supply, most), min(most, beyond - 1)
    cards = ceiling.least(least_cards(question, supply.spec), last)
    while cards is not None:
        yield cards, 1
        if carried(question, supply, limits, (cards, 1), known):
            return Fit(supply=supply, cards_a_host=cards, hosts=1)
        cards = ceiling.least(cards + 1, last)
    return None


def _several(question: Question, supply: Supply, limits: Limits, beyond: int, known: Known) -> Asking:
    """The fewest full machines, then the fewest cards in each.

    Where some may be down, more and smaller machines may need fewer cards in all: they are tried as long as they can.
    """
    most, spare = limits.host(supply), limits.spare
    beyond = min(beyond, limits.fleet(supply) + 1)
    if not spare and beyond <= most + 1:
        return None  # one machine with as many cards was asked
    hosts = yield from _full_machines(question, supply, limits, beyond, known)
    best: Fit | None = None
    while hosts is not None and hosts < min(MOST_NODES + 1, beyond) - spare:
        fleet = best.cards if best else beyond
        end = min(most + 1, math.ceil(fleet / (hosts + spare)))
        least = max(math.ceil(least_cards(question, supply.spec) / hosts), 1)
        ceiling = known.ceiling(supply, most)  # every number: seven may be a no where six are a yes
        each = (number for number in range(least, end) if ceiling.reaches(number, hosts))
        holding = (number for number in each if carried(question, supply, limits, (number, hosts), known))
        cards = next(holding, None)
        if cards is not None:
            best = Fit(supply=supply, cards_a_host=cards, hosts=hosts, spare=spare)
        if not spare or (best and best.cards_a_host == 1):
            break
        hosts += 1
    return best


def _full_machines(
    question: Question, supply: Supply, limits: Limits, beyond: int, known: Known
) -> Generator[Least, None, int | None]:
    """How many machines with all the cards that they take: one number after the other, as more may be a no again."""
    most, spare = limits.host(supply), limits.spare
    ceiling, least = known.ceiling(supply, most), least_cards(question, supply.spec)
    pooled = ceiling.pooled(least, beyond - 1)
    stop = min(MOST_NODES + 1, beyond - spare, _too_many(beyond, most))
    if pooled is None:
        return None
    first_in_reach = ceiling.machines(most, max(math.ceil(pooled / most), 1 if spare else 2), stop)
    for hosts in range(first_in_reach or stop, stop):
        yield max(pooled, (hosts - 1) * _used(most) + 1) + spare, hosts + spare
        if carried(question, supply, limits, (most, hosts), known):
            return hosts
    return None


def _too_many(beyond: int, most: int) -> int:
    """Full machines that have so many more cards than there may be that no smaller ones do with fewer.

    >>> _too_many(8, 8), _too_many(80, 8)
    (3, 17)
    """
    return math.ceil(beyond / _used(most)) + 1


def _used(most: int) -> int:
    """Cards of a full machine that are never left over, whatever the size of a replica.

    What a machine with fewer cards does better is to leave none over: of 8, replicas of 5 leave 3.

    >>> _used(8)
    5
    """
    return min(most // each * each for each in range(1, most + 1))
