"""How many machines of one kind a load needs: every whole number is in question, none is skipped."""

from __future__ import annotations

import math
from collections.abc import Callable

from advisor.physics.bisect import narrowed
from advisor.schema import MOST_NODES, Question, value
from advisor.search.bounds import worth_a_look
from advisor.sizing.bounds import least_cards
from advisor.sizing.carrying import carrying
from advisor.sizing.known import Known
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


def carried(question: Question, supply: Supply, cards: int, hosts: int, known: Known) -> bool:
    """Whether those machines meet the targets: what `recommend` would say about them."""

    def ask() -> bool:
        asked = question_on(question, supply, cards, hosts)
        return worth_a_look(asked) and carrying(asked, known.likely) is not None

    return known.carried(supply.spec, (cards, hosts), ask)


def on_one(
    question: Question, supply: Supply, limits: Limits, beyond: int, guess: int = 1, known: Known | None = None
) -> Fit | None:
    """The fewest cards in one machine that carry the load, below `beyond`; None: no number does, or one may be down.

    Args:
        guess: where to look first, as of other cards with as much memory and bandwidth in all.
        known: what was said of this load before.
    """
    least, most = least_cards(question, supply.spec), limits.host(supply)
    if limits.spare or least > most:
        return None
    said = known or Known()
    cards = _least(lambda number: carried(question, supply, number, 1, said), least, min(most + 1, beyond), guess)
    return None if cards is None else Fit(supply=supply, cards_a_host=cards, hosts=1)


def on_several(
    question: Question, supply: Supply, limits: Limits, beyond: int, guess: int = 1, known: Known | None = None
) -> Fit | None:
    """As few machines, all alike, as carry the load, each with as few cards as do, together below `beyond`.

    Where some may be down, more and smaller machines may need fewer cards in all: they are tried as long as they can.
    """
    said, least, most = known or Known(), least_cards(question, supply.spec), limits.host(supply)
    beyond = min(beyond, limits.fleet(supply) + 1)
    first = max(math.ceil(least / most), 1 if limits.spare else 2)
    if not limits.spare and beyond <= most + 1:
        return None  # one machine with as many cards was asked
    stop = min(MOST_NODES + 1, beyond - limits.spare, _too_many(beyond, most))
    if stop <= first or not _alone(question, supply, most):
        return None

    def holds(each: int, machines: int) -> bool:
        return carried(question, supply, each, machines, said)

    hosts = _least(lambda number: holds(most, number), first, stop, math.ceil(guess / most))
    best: Fit | None = None
    while hosts is not None and hosts < min(MOST_NODES + 1, beyond) - limits.spare:
        fleet = best.cards if best else beyond
        end = min(most + 1, math.ceil(fleet / (hosts + limits.spare)))
        each = range(max(math.ceil(least / hosts), 1), end)  # every number: seven may be a no where six are a yes
        cards = next((number for number in each if holds(number, hosts)), None)
        if cards is not None:
            best = Fit(supply=supply, cards_a_host=cards, hosts=hosts, spare=limits.spare)
        if not limits.spare or (best and best.cards_a_host == 1):
            break
        hosts += 1
    return best


def _too_many(beyond: int, most: int) -> int:
    """Full machines that have so many more cards than there may be that no smaller ones do with fewer.

    What a machine with fewer cards does better is to leave none over: of 8, replicas of 5 leave 3.

    >>> _too_many(8, 8), _too_many(80, 8)
    (3, 17)
    """
    used = min(most // each * each for each in range(1, most + 1))  # by replicas of that many cards
    return math.ceil(beyond / used) + 1


def _alone(question: Question, supply: Supply, cards: int) -> bool:
    """Whether one request is served in time."""
    return carrying(scale_of(question.workload).asked(question_on(question, supply, cards, 1), 1)) is not None


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
    """From a no: the last that was one, and the first above it that was a yes; the largest is asked before all."""
    if no == stop - 1 or not holds(stop - 1):
        return no, None
    step = 1
    while no + step < stop - 1:
        if holds(no + step):
            return no, no + step
        no, step = no + step, 2 * step
    return no, stop - 1
