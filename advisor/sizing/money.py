"""Amounts of money as people write them, and one currency for all of them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping

from advisor.catalog import constants
from advisor.errors import BadInput
from advisor.schema import value
from advisor.workload.meant import meant

_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_UNITS = ("h", "month", "kWh")
_AMOUNT = re.compile(
    r"(?P<before>[$€£¥]|[a-z]{3}(?=[ \d]))? ?(?P<number>\d[\d,_]*(?:\.\d+)?)(?P<thousand>k(?!wh))? ?"
    r"(?P<after>[$€£¥]|[a-z]{3})?(?: ?/ ?(?P<per>[a-z]+))?",
    re.IGNORECASE,
)
_EXAMPLES = {"": "10000EUR", "h": "0.9/h", "month": "500EUR/month", "kWh": "0.30EUR"}
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
        rate = _rate(number, part)
        rates[known(name, "--exchange", rates)], told = rate, ("as given", "--exchange")
    return Exchange(currency=known(currency, "--currency", rates), per_eur=rates, date=told[0], source=told[1])


def _rate(number: str, part: str) -> float:
    try:
        rate = float(number)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        said = f'--exchange: {part.strip()!r} is no rate; accepted is e.g. "USD=1.16" (one euro in dollars)'
        raise BadInput(said, near="USD=1.16", seen=part, flag="--exchange")
    return rate


def known(name: str, option: str, rates: Mapping[str, float]) -> str:
    """A currency in capitals.

    Raises:
        BadInput: it has no rate; names those that have.
    """
    if name.upper() not in rates:
        near = next(iter(difflib.get_close_matches(name.upper(), rates, n=1)), None)
        hint = f"; did you mean {near}?" if near else ""
        raise BadInput(
            f"{option}: there is no rate for {name!r}{hint}\nthere are {', '.join(sorted(rates))}",
            near=near or "USD",
            seen=name,
            flag=option,
        )
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
        near = _meant(text, per[-1])
        hint = f"; did you mean {near}?" if near else ""
        raise BadInput(
            f"{option}: {text!r} is no amount of money{hint}\n{_HOW}",
            near=near or _EXAMPLES[per[-1]],
            seen=text,
            flag=option,
        )
    if (unit or "") not in per:
        said = f"{option}: {text!r} is for {_for(unit or '')}; accepted is {' or '.join(map(_for, per))}"
        raise BadInput(said, near=_EXAMPLES[per[-1]], seen=text, flag=option)
    amount = float(found["number"].replace(",", "").replace("_", "")) * (1000 if found["thousand"] else 1)
    return Money(amount=amount, currency=_currency(found["before"] or found["after"], option), per=unit or "")


def _meant(text: str, per: str) -> str | None:
    """The amount that was written in another way: in words, in hundredths, for a year; None where nothing tells."""
    plain = text.strip().lower()
    cents = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:ct|cents?|c)", plain)
    yearly = re.fullmatch(r"(\d[\d,]*)([a-z]{3})? ?/ ?(?:y|yr|year|a)", plain)
    if cents:
        return f"{float(cents[1]) / 100:g}EUR"
    if yearly and per == "month":
        return f"{float(yearly[1].replace(',', '')) / 12:.0f}{(yearly[2] or '').upper()}/month"
    number = meant(text)
    return number if number and float(number) > 0 else None


def _currency(written: str | None, option: str) -> str | None:
    if written is None:
        return None
    return _SIGNS.get(written) or known(written, option, constants("prices")["exchange"]["per_eur"])


def _for(unit: str) -> str:
    return {"": "a purchase", "h": "an hour (/h)", "month": "a month (/month)", "kWh": "a kWh (/kWh)"}[unit]
