"""Amounts of money as people write them, and one currency for all of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from advisor.catalog import constants
from advisor.errors import BadInput
from advisor.schema import value

_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_UNITS = ("h", "month", "kWh")
_AMOUNT = re.compile(
    r"(?P<before>[$€£¥]|[a-z]{3}(?=[ \d]))? ?(?P<number>\d[\d,_]*(?:\.\d+)?)(?P<thousand>k(?!wh))? ?"
    r"(?P<after>[$€£¥]|[a-z]{3})?(?: ?/ ?(?P<per>[a-z]+))?",
    re.IGNORECASE,
)
_HOW = "accepted are amounts such as 10000EUR, $0.9/h, 0.30 EUR, 400 USD/month"


@value
class Money:
    """An amount, the currency it was written with, and what it is for: "", "h" or "month"."""

    amount: float
    currency: str | None  # None: none was written
    per: str = ""


@value
class Exchange:
    """One currency that everything is told in."""

    currency: str
    per_eur: Mapping[str, float]
    date: str
    source: str  # key in sources.yaml, or who gave the rate

    def into(self, amount: float, currency: str) -> float:
        """An amount of another currency in this one."""
        return amount if currency == self.currency else amount / self.per_eur[currency] * self.per_eur[self.currency]

    def of(self, money: Money) -> float:
        """Money as it was written; without a currency it is of this one."""
        return self.into(money.amount, money.currency or self.currency)


def exchange(currency: str, given: str | None = None) -> Exchange:
    """The rates that are shipped, with those that somebody gives over them.

    Args:
        currency: three letters.
        given: today's rates against one euro, e.g. "USD=1.16, GBP=0.87".

    Raises:
        BadInput: a currency that is not known, or a rate that cannot be read.
    """
    shipped = constants("prices")["exchange"]
    rates, told = dict(shipped["per_eur"]), (shipped["date"], shipped["source"])
    for part in given.split(",") if given else ():
        name, _, number = (piece.strip() for piece in part.partition("="))
        rates[known(name, "--exchange", rates)], told = _rate(number, part), ("as given", "--exchange")
    return Exchange(currency=known(currency, "--currency", rates), per_eur=rates, date=told[0], source=told[1])


def _rate(number: str, part: str) -> float:
    try:
        rate = float(number)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        raise BadInput(f'--exchange: {part.strip()!r} is no rate; accepted is e.g. "USD=1.16" (one euro in dollars)')
    return rate


def known(name: str, option: str, rates: Mapping[str, float]) -> str:
    """A currency in capitals.

    Raises:
        BadInput: it has no rate; names those that have.
    """
    if name.upper() not in rates:
        raise BadInput(f"{option}: there is no rate for {name!r}; there are {', '.join(sorted(rates))}")
    return name.upper()


def money(text: str, option: str, *, per: tuple[str, ...] = ("",)) -> Money:
    """An amount as it was typed.

    Args:
        option: whose value it is, for the message.
        per: what it may be for: "" (once), "h", "month", "kWh".

    Raises:
        BadInput: it is no amount, or for something else.
    """
    found = _AMOUNT.fullmatch(text.strip())
    unit = next((u for u in _UNITS if found and found["per"] and u.lower() == found["per"].lower()), None)
    if not found or (found["per"] and unit is None) or (found["before"] and found["after"]):
        raise BadInput(f"{option}: {text!r} is no amount of money; {_HOW}")
    if (unit or "") not in per:
        raise BadInput(f"{option}: {text!r} is for {_for(unit or '')}; accepted is {' or '.join(map(_for, per))}")
    amount = float(found["number"].replace(",", "").replace("_", "")) * (1000 if found["thousand"] else 1)
    return Money(amount=amount, currency=_currency(found["before"] or found["after"], option), per=unit or "")


def _currency(written: str | None, option: str) -> str | None:
    if written is None:
        return None
    return _SIGNS.get(written) or known(written, option, constants("prices")["exchange"]["per_eur"])


def _for(unit: str) -> str:
    return {"": "a purchase", "h": "an hour (/h)", "month": "a month (/month)", "kWh": "a kWh (/kWh)"}[unit]
