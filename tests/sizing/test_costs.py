"""What machines cost: published comparisons worked again by hand, and every input pushing the way it must."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import BadInput
from advisor.sizing.cost import Cost, Fleet, Terms, api_per_month, break_even_month, cost, electricity, hours_a_month
from advisor.sizing.money import exchange, money
from advisor.sizing.prices import Offer, given_prices, offers
from advisor.sizing.supply import supplies
from tests.sizing.asked import terms

ONE = Fleet(cards=1, hosts=1, card_watts=450.0)


def costing(fleet: Fleet, offer: Offer, on: Terms, tokens: float | None = None) -> Cost:
    """A cost that is known."""
    found = cost(fleet, offer, on, tokens)
    assert found is not None
    return found


def offer(kind: Any, each: float) -> Offer:
    """A price of the test's own."""
    return Offer(kind=kind, each=each, told="a test")


def test_a_rented_h100_for_a_70b_as_published() -> None:
    """2.50 $/h and 700 tokens/s are 0.99 $ a million tokens; busy a tenth of the time, ten times as much.

    dreaming.press/posts/self-hosting-llm-inference-vs-api-cost.html: 2.50 / (700 x 3600) x 10^6.
    """
    for rate, dollars in ((700, 0.992), (70, 9.92)):
        tokens = rate * 3600 * hours_a_month(terms())
        found = costing(ONE, offer("rent", 2.5), terms(), tokens)
        assert found.per_million_tokens == pytest.approx(dollars, rel=2e-3)


def test_the_electricity_of_an_rtx_4090_as_published() -> None:
    """450 W for 8 h a day at 0.15 $ a kWh are 16 $ a month, around the clock 49 $.

    wideareaai.com/tools/gpu-power-cost: (hours x watts) / 1000 x rate, 30.4 days a month.
    """
    for hours, dollars in ((8.0, 16.42), (24.0, 49.25)):
        assert electricity(ONE, terms(kwh=0.15, ops_hours=hours)) == pytest.approx(dollars, rel=2e-3)


def test_a_month_of_rent_against_an_api_as_published() -> None:
    """GPUs x price x hours against tokens x blended price: where both are equal, neither is cheaper.

    ai-costcalculator.com/self-hosted-llm-vs-api-calculator: a month of GPU hours, over the price of a million tokens,
    gives the millions of tokens at break-even. By hand: 2 x 2.00 $/h x 730 h = 2,920 $; at 0.40 $ read and 1.20 $
    written, three of four tokens read, a million is 0.60 $: 4,867 million tokens.
    """
    on = terms(api_in=0.4, api_out=1.2)
    rented = costing(Fleet(cards=2, hosts=1, card_watts=700.0), offer("rent", 2.0), on)
    assert rented.per_month == pytest.approx(2920)
    for millions, month in ((4866.0, None), (4867.0, 0.0)):
        api = api_per_month(0.75e6 * millions, 0.25e6 * millions, on)
        assert api is not None and break_even_month(rented, api) == month


def month(on: Terms, price: float = 1600.0, tokens: float = 2e9) -> float:
    """When one card at that price has cost less than the API; never: infinity."""
    api = api_per_month(0.8 * tokens, 0.2 * tokens, on)
    assert api is not None
    found = break_even_month(costing(ONE, offer("new", price), on), api)
    return float("inf") if found is None else found


@settings(max_examples=30)
@given(by=st.floats(1.05, 10.0))
def test_the_break_even_moves_the_right_way(by: float) -> None:
    """A dearer API or more tokens bring it nearer; a dearer card, kWh, room or longer hours put it off."""
    usual: dict[str, float] = {"api_in": 0.1, "api_out": 0.4, "kwh": 0.2, "pue": 1.0, "ops_hours": 2.0}
    now = month(terms(**usual))
    assert month(terms(**usual | {"api_in": 0.1 * by})) < now
    assert month(terms(**usual | {"api_out": 0.4 * by})) < now
    assert month(terms(**usual), tokens=2e9 * by) < now
    assert month(terms(**usual), price=1600 * by) > now
    for key in ("kwh", "pue", "ops_hours"):
        assert month(terms(**usual | {key: usual[key] * by})) > now


def test_by_hand_the_month_in_which_a_card_is_earned_back() -> None:
    """1,600 $ once, 32.85 $ of power a month, 320 $ of API: 1600 / (320 - 32.85) is the sixth month; or never."""
    on = terms(kwh=0.1, api_in=0.1, api_out=0.4)
    assert month(on) == pytest.approx(1600 / (320 - 32.85), rel=1e-3)
    assert month(terms(kwh=1.0, api_in=0.1, api_out=0.4)) == float("inf")


def test_three_totals() -> None:
    """A purchase is spread over its years less what is got back; hosts, idle hours and the room are counted."""
    on = terms(years=2.0, resale=0.25, host_price=1000.0, host_watts=100.0, idle_watts=30.0, ops_hours=12.0, pue=1.5)
    fleet = Fleet(cards=2, hosts=2, card_watts=400.0, owned=1, housing="desk")
    found = costing(fleet, offer("new", 1400.0), on)
    power = (2 * (400 * 12 + 30 * 12) + 2 * 100 * 24) / 1000 * 365 / 12 * 1.5 * 0.2
    assert found.purchase == 2400 and found.machines == 1000 and found.running_per_month == pytest.approx(power)
    assert found.per_month == pytest.approx(power + 2400 * 0.75 / 24)


def test_what_is_not_known_stays_unknown() -> None:
    """A card without a price has no offer, and one without a power has no cost to own; a price given is taken."""
    (supply,) = supplies("H100 SXM 80GB", None)
    known = offers(supply.spec, exchange("USD"), {})
    assert {each.kind for each in known} == {"rent"}
    given_ = given_prices(["H100 SXM 80GB=25000EUR", "H100 SXM 80GB=2/h"])
    told = {each.kind: each.each for each in offers(supply.spec, exchange("USD"), given_)}
    assert told == {"new": pytest.approx(25000 * exchange("USD").per_eur["USD"]), "rent": 2.0}
    assert cost(Fleet(cards=1, hosts=1, card_watts=None), offer("new", 1.0), terms()) is None


def test_an_instance_is_rented_whole() -> None:
    """Three cards on each of two machines take two instances of four; a larger machine than is rented has no cost."""
    four = Offer(kind="rent", each=10.0, told="a test", instance=4)
    for cards, hosts, instances in ((6, 2, 2), (4, 1, 1), (1, 1, 1), (8, 2, 2), (5, 1, None)):
        found = cost(Fleet(cards=cards, hosts=hosts, card_watts=300.0), four, terms())
        assert (found.per_month if found else None) == (instances and pytest.approx(instances * 10 * 730))
        least = cost(Fleet(cards=cards, hosts=hosts, card_watts=300.0, whole=False), four, terms())
        assert least is not None and (found is None or least.per_month <= found.per_month)


@pytest.mark.parametrize("card", ["NVIDIA L4", "H100 SXM 80GB", "NVIDIA A10G"])
def test_what_is_rented_is_told_with_its_name_and_date(card: str) -> None:
    """Each instance says what it is, who rents it out, and when that was so."""
    (supply,) = supplies(card, None)
    whole = [each for each in offers(supply.spec, exchange("USD"), {}) if each.instance]
    assert whole and all(each.each > 0 and re.search(r"on demand; \w.*, 202\d", each.told) for each in whole)


@pytest.mark.parametrize(
    ("text", "amount", "currency", "per"),
    [
        ("10000EUR", 10000, "EUR", ""),
        ("$0.9/h", 0.9, "USD", "h"),
        ("0.30 eur/kWh", 0.3, "EUR", "kWh"),
        ("€ 12,500", 12500, "EUR", ""),
        ("10k USD", 10000, "USD", ""),
        ("GBP 400/month", 400, "GBP", "month"),
        ("7", 7, None, ""),
    ],
)
def test_money_is_read_as_people_write_it(text: str, amount: float, currency: str | None, per: str) -> None:
    """An amount, with its currency before or behind it, and what it is for."""
    found = money(text, "--budget", per=("", "h", "month", "kWh"))
    assert (found.amount, found.currency, found.per) == (amount, currency, per)


@pytest.mark.parametrize("text", ["", "much", "-5", "10 XYZ", "5/fortnight", "$5 EUR", "1e999", "5/h", "nan"])
def test_what_is_no_money_is_refused(text: str) -> None:
    """The option is named, and what is accepted."""
    with pytest.raises(BadInput, match="--budget"):
        money(text, "--budget")
