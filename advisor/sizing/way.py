"""One way to carry the load: which machines, the plan on them, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.decide import decide
from advisor.decide.judge import answer_s
from advisor.decide.pace import too_slow
from advisor.engines.base import May
from advisor.estimate import estimate, latency_s
from advisor.models.thinking import written_tokens
from advisor.propose import propose
from advisor.schema import Candidate, Question, Verdict, value
from advisor.sizing.cost import Cost, Fleet, Terms, api_per_month, cost, hours_a_month
from advisor.sizing.hosts import Fit
from advisor.sizing.housing import kind_of
from advisor.sizing.known import Known
from advisor.sizing.prices import Offer, offers
from advisor.sizing.supply import Limits, Supply, question_on
from advisor.verdict import roomy


@value
class Tokens:
    """Tokens of a month."""

    read: float
    written: float

    @property
    def both(self) -> float:
        """What an API would count."""
        return self.read + self.written


@value
class Way:
    """Machines that meet the targets, with the verdict on those that must run, ways that are too slow left out."""

    fit: Fit
    question: Question
    verdict: Verdict
    costs: tuple[Cost, ...]  # by each offer that is known, the cheapest a month first; empty: no price is known
    tokens: Tokens | None

    @property
    def cost(self) -> Cost | None:
        """The cheapest a month."""
        return self.costs[0] if self.costs else None

    @property
    def answer_s(self) -> float:
        """What a person waits for a whole answer."""
        return (self.verdict.winner and answer_s(self.verdict.winner, self.question)) or float("inf")


def fleet_of(supply: Supply, cards: int, hosts: int) -> Fleet:
    """What is paid for."""
    spec = supply.spec
    return Fleet(cards=cards, hosts=hosts, card_watts=spec.tdp_watts, owned=supply.owned, housing=kind_of(spec))


def least_cost(supply: Supply, cards: int, hosts: int, terms: Terms, limits: Limits) -> float | None:
    """What so many cards cost a month at the least, on no fewer machines; None: no price within the budget is known."""
    fleet = replace(fleet_of(supply, cards, hosts), whole=False)
    return min((found.per_month for found in _known(fleet, supply, terms, limits)), default=None)


def open_offers(supply: Supply, cards: int, terms: Terms) -> tuple[Offer, ...]:
    """The ways to have so many of a card; those that one has already need no price."""
    if supply.owned >= cards:
        return (Offer(kind="own", each=0.0, told="as owned"),)
    return offers(supply.spec, terms.exchange, terms.prices, terms.kinds)


def costs_of(
    supply: Supply, cards: int, hosts: int, terms: Terms, limits: Limits, tokens: float | None = None
) -> tuple[Cost, ...]:
    """Every known cost within the budget, the least a month first."""
    known = _known(fleet_of(supply, cards, hosts), supply, terms, limits, tokens)
    return tuple(sorted(known, key=lambda found: found.per_month))


def _known(fleet: Fleet, supply: Supply, terms: Terms, limits: Limits, tokens: float | None = None) -> Iterator[Cost]:
    offered = (cost(fleet, offer, terms, tokens) for offer in open_offers(supply, fleet.cards, terms))
    return (found for found in offered if found and within(found, limits))


def within(found: Cost, limits: Limits) -> bool:
    """Whether the budget allows it; money for a purchase is not spent on rent."""
    if limits.purchase is not None and (found.kind == "rent" or found.purchase > limits.purchase):
        return False
    return limits.per_month is None or found.per_month <= limits.per_month


def way_of(fit: Fit, question: Question, terms: Terms, limits: Limits, known: Known | None = None) -> Way | None:
    """The way with its verdict and costs; None where the verdict is no after all."""
    may = (known or Known(question)).ceiling(fit.supply, limits.host(fit.supply)).allows
    asked = roomy(question_on(question, fit.supply, fit.cards_a_host, fit.hosts))
    estimates = [estimate(candidate, asked) for candidate in _in_question(asked, may)]
    verdict = decide(estimates, asked, depth=False, may=may)
    if not verdict.meets_targets:
        return None
    tokens = tokens_of(verdict, asked, terms)
    paid = terms.tokens_a_month or (tokens.both if tokens else None)
    costs = costs_of(fit.supply, fit.cards, fit.hosts_in_all, terms, limits, paid)
    return Way(fit=fit, question=asked, verdict=verdict, costs=costs, tokens=tokens)


def _in_question(question: Question, may: May) -> list[Candidate]:
    """Every usual way that is not too slow, and one of each other engine: its further ways may not be."""
    usual = propose(question.hardware, question.workload, question.model)
    able = [way for way in usual if may(way) and not too_slow(way, question)]
    rest = {way.engine: way for way in reversed(usual)}
    return able + [way for name, way in rest.items() if all(one.engine != name for one in able)]


def tokens_of(verdict: Verdict, question: Question, terms: Terms) -> Tokens | None:
    """What the planned load reads and writes in a month of its hours, or what was given in the same proportion."""
    estimate, workload = verdict.winner.estimate if verdict.winner else None, question.workload
    if estimate is None or estimate.speed is None:
        return None
    written = written_tokens(workload, question.model)
    a_request = workload.passages * workload.input_tokens + written
    if terms.tokens_a_month is not None:
        requests = terms.tokens_a_month / a_request
    else:
        rate = workload.request_rate or estimate.in_flight / max(latency_s(estimate.speed, written), 1e-9)
        requests = rate * 3600 * hours_a_month(terms)
    return Tokens(read=requests * workload.passages * workload.input_tokens, written=requests * written)


def api_month(way: Way, terms: Terms) -> float | None:
    """What a hosted API takes for the same tokens; None where its price or the tokens are not known."""
    return api_per_month(way.tokens.read, way.tokens.written, terms) if way.tokens else None
