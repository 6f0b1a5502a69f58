"""Which machines: bounds first, then the cheapest by branch and bound, then a whole verdict for the best twenty."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from advisor.decide.capacity import carries
from advisor.physics.bisect import largest
from advisor.schema import MOST_A_HOST, Candidate, Question, value
from advisor.sizing.bounds import least_cards
from advisor.sizing.cost import Terms
from advisor.sizing.hosts import Fit, fewest, on_one, on_several
from advisor.sizing.known import Known
from advisor.sizing.load import most_of, scale_of
from advisor.sizing.split import smaller
from advisor.sizing.supply import Limits, Supply
from advisor.sizing.way import Way, costs_of, least_cost, way_of

KEPT = 20  # ways that are judged in full
DEAR = 10.0  # times the cheapest: several machines that cost more are no answer to the same question
ALIKE = 0.05  # of an answer's time: no prediction tells ways apart that differ by less

Progress = Callable[[str], None]


@value
class Sized:
    """Every way that was judged, the cheapest first, and which of them answers which question."""

    ways: tuple[Way, ...]
    kinds: dict[str, Way]  # "cheapest", "fewest", "fastest", "headroom"
    tried: int  # kinds of cards in question


class _Bounded:
    """One kind of card and what it costs at the least."""

    def __init__(self, supply: Supply, question: Question, terms: Terms, limits: Limits) -> None:
        self.supply = supply
        self.least = least_cards(question, supply.spec)
        hosts = math.ceil(self.least / max(limits.host(supply), 1)) + limits.spare
        self.cards = self.least + limits.spare
        self.beyond = _beyond(supply, terms, limits)
        known = least_cost(supply, self.cards, hosts, terms, limits)
        self.cost = math.inf if known is None else known
        self.possible = self.cards < self.beyond and limits.host(supply) > 0


def _beyond(supply: Supply, terms: Terms, limits: Limits) -> int:
    """One more card than the budget allows; without a budget, than can be had."""
    most = limits.fleet(supply)
    if limits.purchase is None and limits.per_month is None:
        return most + 1
    return largest(lambda cards: least_cost(supply, cards, 1, terms, limits) is not None, most) + 1


def sized(
    question: Question, supplies: Sequence[Supply], limits: Limits, terms: Terms, progress: Progress = lambda _: None
) -> Sized:
    """The cheapest, the fewest, the fastest and the one with most head-room; nothing where no card carries the load.

    Cheapest and fewest are those of all supplies; the fastest and the roomiest, of the ways that were judged.
    """
    bounded = [_Bounded(supply, question, terms, limits) for supply in supplies]
    open_ = sorted((each for each in bounded if each.possible), key=lambda each: (each.cost, each.least))
    progress(f"sizing {len(open_)} kinds of cards")
    known = Known(question)
    fits = _cheapest(open_, question, limits, terms, known)
    fits += _fewer(open_, fits, question, limits, known)
    progress(f"judging the best {len(fits)}")
    ways = [way for fit in fits if (way := way_of(fit, question, terms, limits, known)) is not None]
    ways.sort(key=_by_cost)
    return Sized(ways=tuple(ways), kinds=_kinds(ways), tried=len(supplies))


def _cheapest(open_: Sequence[_Bounded], question: Question, limits: Limits, terms: Terms, known: Known) -> list[Fit]:
    """The fewest of each kind, what may be the cheapest asked first, until none can be cheaper than those found.

    Of several machines, those that cost many times as much are not looked for.
    """
    found: list[tuple[float, int, Fit]] = []
    asking = [fewest(question, each.supply, limits, each.beyond, known) for each in open_]
    queue = [(each.cost, place, False) for place, each in enumerate(open_)]
    while queue:
        cost, place, several = heapq.heappop(queue)
        if len(found) == KEPT and cost >= _worst(found):
            break
        if several and found and DEAR * found[0][0] < cost < math.inf:
            continue
        try:
            cards, hosts = next(asking[place])
        except StopIteration as end:
            if end.value is not None:
                _keep(found, place, end.value, terms, limits)
                under, beyond = found[0][0], open_[place].beyond
                for fit in smaller(end.value, question, limits, terms, known, beyond, under):
                    _keep(found, place, fit, terms, limits)
            continue
        least = least_cost(open_[place].supply, cards, hosts, terms, limits)
        heapq.heappush(queue, (math.inf if least is None else max(least, cost), place, hosts > 1 + limits.spare))
    return [fit for _, _, fit in found]


def _keep(found: list[tuple[float, int, Fit]], place: int, fit: Fit, terms: Terms, limits: Limits) -> None:
    """Put it among the best, and drop what is no longer one of them."""
    known = costs_of(fit.supply, fit.cards, fit.hosts_in_all, terms, limits)
    found.append((known[0].per_month if known else math.inf, place, fit))
    found.sort(key=lambda one: one[:2])
    del found[KEPT:]


def _worst(found: Sequence[tuple[float, int, Fit]]) -> float:
    """What a further way must cost less than; a price that is not known is beyond every one."""
    return found[-1][0] if len(found) == KEPT else math.inf


def _fewer(
    open_: Sequence[_Bounded], fits: Sequence[Fit], question: Question, limits: Limits, said: Known
) -> list[Fit]:
    """Of the kinds that were left out for their cost, the one that does with fewer cards than all of those."""
    best = min((fit.cards for fit in fits), default=None)
    known = {fit.supply.spec.id for fit in fits}
    found: Fit | None = None
    for each in sorted(open_, key=lambda one: (one.cards, one.cost)):
        if best is None or each.cards >= best:
            break
        if each.supply.spec.id in known:
            continue
        beyond = min(best, each.beyond)
        fit = on_one(question, each.supply, limits, beyond, said)
        fit = fit or on_several(question, each.supply, limits, beyond, said)
        if fit is not None:
            best, found = fit.cards, fit
    return [found] if found else []


def _by_cost(way: Way) -> tuple[float, int, float]:
    return (way.cost.per_month if way.cost else math.inf, way.fit.cards, way.answer_s)


def _kinds(ways: Sequence[Way]) -> dict[str, Way]:
    """Which way answers which question; the cheapest only where a price is known."""
    if not ways:
        return {}
    found = {"cheapest": ways[0]} if ways[0].cost else {}
    found["fewest"] = min(ways, key=lambda way: (way.fit.cards, *_by_cost(way)))
    found["fastest"] = _fastest(ways)
    found["headroom"] = _roomiest(ways)
    return found


def _fastest(ways: Sequence[Way]) -> Way:
    """Of those that answer about as soon as the soonest, the one with the fewest cards."""
    soonest = min(way.answer_s for way in ways)
    alike = [way for way in ways if way.answer_s <= (1 + ALIKE) * soonest]
    return min(alike, key=lambda way: (way.fit.cards, *_by_cost(way)))


def _roomiest(ways: Sequence[Way]) -> Way:
    """The way whose plan carries the most; each is asked for one more than those before it."""
    scale = scale_of(ways[0].question.workload)
    best, most = ways[0], scale.planned
    for way in ways:
        if way.verdict.winner is None:
            continue
        candidate = way.verdict.winner.estimate.candidate
        found = _beats(candidate, way.question, most)
        if found is None:
            return way
        if found > most:
            best, most = way, found
    return best


def _beats(candidate: Candidate, question: Question, most: int) -> int | None:
    """The most that it carries where that is more; None: no end."""
    if carries((candidate,), scale_of(question.workload).asked(question, most + 1)) is None:
        return most
    return most_of(candidate, question, most + 1)


def without_limits(
    question: Question, supplies: Sequence[Supply], limits: Limits, terms: Terms
) -> tuple[tuple[str, Way], ...]:
    """Where nothing is allowed that carries the load: the cheapest way without each limit, by its option."""
    loose = {
        "--budget": replace(limits, purchase=None, per_month=None),
        "--max-watts": replace(limits, watts=None),
        "--max-cards-per-host": replace(limits, cards_a_host=MOST_A_HOST),
        "all limits": Limits(spare=limits.spare),
    }
    found: list[tuple[str, Way]] = []
    for name, each in loose.items():
        if each != limits and (name != "all limits" or not found):
            kinds = sized(question, supplies, each, terms).kinds
            found += [(name, kinds.get("cheapest") or kinds["fewest"])] if kinds else []
    return tuple(found)
