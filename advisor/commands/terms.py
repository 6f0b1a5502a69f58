"""What was typed of prices, currencies and limits, as the values that `sizing` takes."""

from __future__ import annotations

import math
from typing import Any

from advisor.catalog import constants
from advisor.errors import BadInput
from advisor.sizing.cost import Terms
from advisor.sizing.money import Exchange, exchange, money
from advisor.sizing.overflow import Peaks
from advisor.sizing.prices import KINDS, given_prices
from advisor.sizing.supply import Limits
from advisor.workload.meant import meant

_SUFFIXES = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}


def terms_of(asked: dict[str, Any]) -> Terms:
    """On which terms.

    Raises:
        BadInput: money, a card or a number that cannot be read.
    """

    rates = exchange(asked["currency"], asked["exchange"])

    def amount(name: str) -> float | None:
        text = asked[name]
        return None if text is None else rates.of(money(text, f"--{name.replace('_', '-')}"))

    kwh, told = _kwh(asked["kwh"], rates)
    if (asked["api_in"] is None) != (asked["api_out"] is None):
        raise BadInput("--api-in and --api-out belong together: what is read and what is written are priced apart")
    return Terms(
        exchange=rates, kwh=kwh, kwh_told=told, pue=asked["pue"], years=asked["years"], resale=asked["resale"],
        ops_hours=asked["ops_hours"], idle_watts=asked["idle_watts"], host_watts=asked["host_watts"],
        host_price=amount("host_price"), api_in=amount("api_in"), api_out=amount("api_out"),
        tokens_a_month=_tokens(asked["tokens_a_month"]), prices=given_prices(asked["price"]),
        kinds=KINDS if asked["pay"] == "any" else (asked["pay"],),
    )  # fmt: skip


def _kwh(text: str | None, rates: Exchange) -> tuple[float, str]:

    if text is not None:
        return rates.of(money(text, "--kwh", per=("", "kWh"))), "as given"
    shipped = constants("prices")["electricity"]
    return rates.into(shipped["usd_per_kwh"], "USD"), f"world average for a business, {shipped['date']}"


def _tokens(text: str | None) -> float | None:
    if text is None:
        return None
    plain = text.strip().lower().replace(",", "").replace("_", "")
    by = _SUFFIXES.get(plain[-1:], 1.0)
    try:
        number = float(plain[:-1] if plain[-1:] in _SUFFIXES else plain) * by
    except ValueError:
        number = 0.0
    if not 1 <= number < math.inf:
        said = f"--tokens-a-month: {text!r} is no number of tokens; accepted are 500M, 2.5B, 40000000"
        raise BadInput(said, near=meant(text) or "500M", seen=text, flag="--tokens-a-month")
    return number


def peaks_of(asked: dict[str, Any]) -> Peaks | None:
    """The load of most hours beside that of the peak; None where it was not told.

    Raises:
        BadInput: no price of an API that takes the rest, or a peak longer than the hours under load.
    """
    if asked["base"] is None:
        return None
    if asked["api_in"] is None:
        raise BadInput("--base: what is above it goes to a hosted API; --api-in and --api-out give its prices")
    if asked["peak_hours"] > asked["ops_hours"]:
        said = f"--peak-hours: at most --ops-hours, {asked['ops_hours']:g}; saw {asked['peak_hours']:g}"
        raise BadInput(said, near=f"{asked['ops_hours']:g}", flag="--peak-hours")
    return Peaks(base=asked["base"], hours=asked["peak_hours"])


def limits_of(asked: dict[str, Any], rates: Exchange) -> Limits:
    """What may not be exceeded.

    Raises:
        BadInput: a budget that cannot be read.
    """

    budget = None if asked["budget"] is None else money(asked["budget"], "--budget", per=("", "month"))
    amount = None if budget is None else rates.of(budget)
    monthly = budget is not None and budget.per == "month"
    return Limits(
        cards_a_host=asked["max_cards_per_host"],
        watts=asked["max_watts"],
        purchase=None if monthly else amount,
        per_month=amount if monthly else None,
        spare=asked["spare"],
    )
