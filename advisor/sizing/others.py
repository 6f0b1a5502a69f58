"""Cards that were named and answer no question: what each does with the load, or why it does not carry it."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.decide.judge import misses
from advisor.schema import Question, value
from advisor.sizing.hosts import Fit
from advisor.sizing.option import title
from advisor.sizing.search import Sized
from advisor.sizing.supply import Limits, Supply, question_on
from advisor.sizing.way import Way
from advisor.verdict import verdict_for

MOST = 8  # that are told of


@value
class Other:
    """One kind of card; without a way it carries nothing that was allowed, and `why` says what stops it."""

    supply: Supply
    way: Way | None
    why: str = ""


def others(question: Question, named: Sequence[Supply], limits: Limits, found: Sized) -> tuple[Other, ...]:
    """Of the named kinds those that no way of the answer has."""
    chosen = {way.fit.supply.spec.id for way in found.kinds.values()}
    left = [supply for supply in named if supply.spec.id not in chosen]
    return tuple(_other(question, supply, limits, found) for supply in left[:MOST])


def _other(question: Question, supply: Supply, limits: Limits, found: Sized) -> Other:
    way = next((way for way in found.ways if way.fit.supply.spec.id == supply.spec.id), None)
    if way is not None:
        return Other(supply=supply, way=way)
    fit, why = why_not(question, supply, limits)
    told = f"{title(fit)}: {why}" if fit and why else why or "it carries the load, but not for what may be spent"
    return Other(supply=supply, way=None, why=told)


def why_not(question: Question, supply: Supply, limits: Limits) -> tuple[Fit | None, str]:
    """The largest machine of the kind, and what it misses; empty where it carries the load."""
    number = limits.host(supply)
    if number == 0:
        return None, "not one is within the limits"
    fit = Fit(supply=supply, cards_a_host=number, hosts=1)
    verdict = verdict_for(question_on(question, supply, number, 1), depth=False)
    if verdict.meets_targets:
        return fit, ""
    return fit, "; ".join(finding.message for finding in misses(verdict.winner)) if verdict.winner else verdict.summary
