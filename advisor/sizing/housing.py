"""The machine around the cards: what one without them costs and draws, by the cards that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from advisor.catalog import constants
from advisor.catalog.entries import GpuSpec
from advisor.schema import value
from advisor.search.more import stays_alone
from advisor.sizing.money import Exchange

Kind = Literal["itself", "desk", "server"]


@value
class Rung:
    """A machine for up to so many cards, without them; money is in USD."""

    name: str
    cards: int
    usd: float
    watts: float  # under load
    idle_watts: float
    date: str


@value
class Around:
    """What stands around so many cards in so many machines, in the currency of the answer."""

    price: float
    watts: float
    idle_watts: float


NOTHING = Around(price=0.0, watts=0.0, idle_watts=0.0)


def kind_of(spec: GpuSpec) -> Kind:
    """A chip that shares its memory and a laptop are machines themselves; cards without fans need a server's."""
    if stays_alone(spec):
        return "itself"
    return "server" if spec.device_class == "datacenter" else "desk"


def rungs(kind: Kind) -> tuple[Rung, ...]:
    """From the smallest machine to the largest; none for what is a machine itself."""
    shipped = constants("prices")["hosts"].get(kind, ())
    names = ("name", "cards", "usd", "watts", "idle_watts", "date")
    return tuple(Rung(**{name: one[name] for name in names}) for one in shipped)


def rung(kind: Kind, cards: int) -> Rung | None:
    """The smallest machine for so many; more than any takes are in the largest, several of which are paid for."""
    ladder = rungs(kind)
    fits = next((one for one in ladder if one.cards >= cards), None)
    if fits or not ladder:
        return fits
    by, largest = math.ceil(cards / ladder[-1].cards), ladder[-1]
    return replace(
        largest, cards=cards, usd=by * largest.usd, watts=by * largest.watts, idle_watts=by * largest.idle_watts
    )


def there(kind: Kind, owned: int, cards: int, hosts: int) -> int:
    """Machines that stand around cards one owns, and take so many each: whoever has a card has a computer for it.

    A desk's computer around one card takes a second.
    """
    around = rung(kind, max(owned, 2 if kind == "desk" else 1))
    if not owned or around is None or cards > around.cards:
        return 0
    return min(hosts, math.ceil(owned / cards))


def around(kind: Kind, cards: int, hosts: int, exchange: Exchange, had: int = 0) -> Around:
    """Of so many machines that are alike, with their cards in all; those one has already are not paid for.

    Args:
        had: machines that are there already.
    """
    one = rung(kind, math.ceil(cards / hosts)) if hosts else None
    if one is None:
        return NOTHING
    price = exchange.into(max(hosts - had, 0) * one.usd, "USD")
    return Around(price=price, watts=hosts * one.watts, idle_watts=hosts * one.idle_watts)


def least_around(kind: Kind, cards: int, hosts: int, exchange: Exchange) -> Around:
    """No more than any number of machines costs and draws that hold at least so many cards, and are no fewer."""
    ladder = rungs(kind)
    if not ladder:
        return NOTHING

    def least(of: Callable[[Rung], float]) -> float:
        return max(hosts * of(ladder[0]), cards * min(of(one) / one.cards for one in ladder))

    usd, watts, idle = least(lambda one: one.usd), least(lambda one: one.watts), least(lambda one: one.idle_watts)
    return Around(price=exchange.into(usd, "USD"), watts=watts, idle_watts=idle)
