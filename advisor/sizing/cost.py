"""Three totals of one way: what is paid once, what a month costs, what a million tokens cost."""

from __future__ import annotations

import math
from dataclasses import replace

from advisor.schema import value
from advisor.sizing.housing import NOTHING, Around, around, least_around, there
from advisor.sizing.housing import Kind as Housing
from advisor.sizing.money import Exchange
from advisor.sizing.prices import KINDS, Given, Kind, Offer

DAYS_A_MONTH = 365 / 12
_HOURS_A_DAY = 24.0


@value
class Terms:
    """On which terms machines are bought, rented and fed; money is in the currency of `exchange`."""

    exchange: Exchange
    kwh: float  # price of one
    kwh_told: str  # its date and source
    pue: float = 1.0  # power of the room over that of the machines
    years: float = 3.0  # that a purchase is used for
    resale: float = 0.0  # share of the price that is got back then
    ops_hours: float = _HOURS_A_DAY  # a day under load
    idle_watts: float = 0.0  # of one card in the other hours; 0: switched off
    host_price: float | None = None  # of a machine without cards; None: as shipped, by the cards that it takes
    host_watts: float | None = None  # of the same
    api_in: float | None = None  # a hosted API, for a million tokens
    api_out: float | None = None
    tokens_a_month: float | None = None  # read and written; None: what the load makes in its hours
    prices: Given
    kinds: tuple[Kind, ...] = KINDS


@value
class Fleet:
    """What is paid for: cards over all machines, those that one has already, and what each draws."""

    cards: int
    hosts: int
    card_watts: float | None
    owned: int = 0
    whole: bool = True  # False: what it costs at the least, an instance being paid for by its cards
    housing: Housing = "itself"  # what stands around the cards

    @property
    def watts(self) -> float | None:
        """All cards at their limit."""
        return None if self.card_watts is None else self.cards * self.card_watts


@value
class Cost:
    """The totals, in one currency; what is not known is None."""

    kind: Kind
    purchase: float
    machines: float  # of the purchase, what stands around the cards
    per_month: float  # with the purchase spread over the years
    running_per_month: float  # rent, or electricity
    per_million_tokens: float | None
    currency: str
    dated: str


def hours_a_month(terms: Terms) -> float:
    """Hours under load."""
    return terms.ops_hours * DAYS_A_MONTH


def electricity(fleet: Fleet, terms: Terms) -> float | None:
    """A month's electricity: cards at their limit under load, idle in the other hours; None: no data sheet tells."""
    if fleet.card_watts is None:
        return None
    idle_hours, machines = _HOURS_A_DAY - terms.ops_hours, housed(fleet, terms)
    a_day = fleet.cards * (fleet.card_watts * terms.ops_hours + terms.idle_watts * idle_hours)
    a_day += machines.watts * terms.ops_hours + (machines.idle_watts * idle_hours if terms.idle_watts else 0.0)
    return a_day / 1000 * DAYS_A_MONTH * terms.pue * terms.kwh


def housed(fleet: Fleet, terms: Terms) -> Around:
    """The machines around the cards: as shipped, or at the price and power that were given."""
    if fleet.housing == "itself" or not fleet.hosts:
        return NOTHING
    cards, rates = math.ceil(fleet.cards / fleet.hosts), terms.exchange
    had = there(fleet.housing, fleet.owned, cards, fleet.hosts)
    if fleet.whole:
        found = around(fleet.housing, fleet.cards, fleet.hosts, rates, had)
    else:
        found = least_around(fleet.housing, fleet.cards, fleet.hosts, rates)
    if terms.host_price is not None:
        found = replace(found, price=(fleet.hosts - had) * terms.host_price)
    if not fleet.whole and fleet.owned:  # how many are there is known when their cards are
        found = replace(found, price=0.0)
    if terms.host_watts is not None:
        found = replace(found, watts=fleet.hosts * terms.host_watts, idle_watts=fleet.hosts * terms.host_watts)
    return found


def cost(fleet: Fleet, offer: Offer, terms: Terms, tokens: float | None = None) -> Cost | None:
    """The totals of one offer; None where its power is not known, or an instance has too few cards for one machine.

    Args:
        tokens: read and written in a month.
    """
    if offer.kind == "rent":
        units = _rented(fleet, offer)
        if units is None:
            return None
        purchase, machines, running = 0.0, 0.0, units * offer.each * hours_a_month(terms)
    else:
        power = electricity(fleet, terms)
        if power is None:
            return None
        machines, running = housed(fleet, terms).price, power
        purchase = max(fleet.cards - fleet.owned, 0) * offer.each + machines
    per_month = running + purchase * (1 - terms.resale) / (12 * terms.years)
    return Cost(
        kind=offer.kind,
        purchase=purchase,
        machines=machines,
        per_month=per_month,
        running_per_month=running,
        per_million_tokens=per_month / tokens * 1e6 if tokens else None,
        currency=terms.exchange.currency,
        dated=offer.told if offer.kind == "rent" else f"{offer.told}; kWh: {terms.kwh_told}",
    )


def _rented(fleet: Fleet, offer: Offer) -> float | None:
    """How many of what is rented: cards, or one instance for each machine, which has all of its cards."""
    if offer.instance is None:
        return fleet.cards
    if not fleet.whole:
        return fleet.cards / offer.instance
    return fleet.hosts if fleet.cards <= offer.instance * fleet.hosts else None


def break_even_month(found: Cost, api_per_month: float) -> float | None:
    """After how many months the purchase is earned back against an API; 0: from the first day; None: never."""
    saved = api_per_month - found.running_per_month
    if saved <= 0:
        return None
    return found.purchase / saved


def api_per_month(read: float, written: float, terms: Terms) -> float | None:
    """What a hosted API takes for so many tokens a month; None where its prices were not given."""
    if terms.api_in is None or terms.api_out is None:
        return None
    return (read * terms.api_in + written * terms.api_out) / 1e6
