"""The same card in several smaller machines: what stands around few cards costs less than what takes many."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from advisor.schema import Question
from advisor.sizing.cost import Terms
from advisor.sizing.hosts import Fit, on_several
from advisor.sizing.housing import kind_of, rungs
from advisor.sizing.known import Known
from advisor.sizing.supply import Limits
from advisor.sizing.way import costs_of, least_cost


def smaller(
    fit: Fit, question: Question, limits: Limits, terms: Terms, known: Known, beyond: int, under: float
) -> Iterator[Fit]:
    """As few machines of each smaller size as carry the load too, where they may cost less than that a month.

    Args:
        fit: what carries it.
        question: the load.
        limits: of a machine and of all.
        terms: on which the machines are had.
        known: what was said of this load before.
        beyond: more cards than may be had.
        under: what the cheapest way so far costs.
    """
    supply = fit.supply
    sizes = [one.cards for one in rungs(kind_of(supply.spec)) if one.cards < fit.cards_a_host]
    for most in reversed(sizes):
        fewest = known.ceiling(supply, limits.host(supply)).pooled(1, beyond - 1)
        if fewest is None:
            return
        least = least_cost(supply, fewest + limits.spare, math.ceil(fewest / most) + limits.spare, terms, limits)
        if least is None or least >= under:
            continue
        found = on_several(question, supply, replace(limits, cards_a_host=most), beyond, known)
        known_cost = costs_of(supply, found.cards, found.hosts_in_all, terms, limits) if found else ()
        if found is not None and known_cost and known_cost[0].per_month < under:
            under = known_cost[0].per_month
            yield found
