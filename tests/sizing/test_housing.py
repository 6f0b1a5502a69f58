"""The machine around the cards: what it costs by the cards that it takes, who has one already, what is cheaper split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import constants
from advisor.sizing.cost import Cost, Fleet, Terms, cost
from advisor.sizing.housing import around, kind_of, least_around, rung, rungs, there
from advisor.sizing.money import exchange
from advisor.sizing.prices import Offer
from advisor.sizing.search import sized
from advisor.sizing.supply import Limits, supplies
from advisor.sizing.way import least_cost
from tests.sizing.asked import ask, terms

USD = exchange("USD")
CARD = Offer(kind="new", each=700.0, told="a test")
KINDS = st.sampled_from(("desk", "server"))


def paid(fleet: Fleet, on: Terms | None = None) -> Cost:
    """A cost that is known."""
    found = cost(fleet, CARD, on or terms())
    assert found is not None
    return found


def test_by_hand_what_one_two_and_four_cards_cost_with_their_machine() -> None:
    """The published lists: 1,160 USD around one card, 2,140 around two, 7,499 around four, 19,000 around up to eight."""
    for cards, machine in ((1, 1160), (2, 2140), (3, 7499), (4, 7499), (5, 19000), (8, 19000)):
        found = paid(Fleet(cards=cards, hosts=1, card_watts=300.0, housing="desk"))
        assert (found.machines, found.purchase) == (machine, machine + 700 * cards)
    split = paid(Fleet(cards=4, hosts=2, card_watts=300.0, housing="desk"))
    assert split.machines == 2 * 2140


def test_its_power_is_paid_for_too() -> None:
    """One card of 325 W in a computer of 175 W is half a kW: 73 USD a month at 20 cents."""
    found = paid(Fleet(cards=1, hosts=1, card_watts=325.0, housing="desk"))
    assert found.running_per_month == pytest.approx(0.5 * 730 * 0.2)


@pytest.mark.parametrize(
    ("card", "kind"),
    [
        ("RTX 4090", "desk"),
        ("RTX A6000", "desk"),
        ("NVIDIA L4", "server"),
        ("H100 SXM 80GB", "server"),
        ("DGX Spark", "itself"),
        ("Apple M4 Max (40-core GPU) 128GB", "itself"),
        ("RTX 4090 Laptop", "itself"),
    ],
)
def test_what_stands_around_a_card(card: str, kind: str) -> None:
    """Cards without fans need a server; a chip with its own memory, and a laptop, are bought whole."""
    (supply,) = supplies(card, None)
    assert kind_of(supply.spec) == kind
    if kind == "itself":
        assert paid(Fleet(cards=1, hosts=1, card_watts=100.0, housing=kind)).machines == 0


def test_what_was_given_counts_before_what_is_shipped() -> None:
    """A price and a power of one's own, nothing at all included."""
    fleet = Fleet(cards=4, hosts=2, card_watts=100.0, housing="desk")
    assert paid(fleet, terms(host_price=500.0)).machines == 1000
    free = paid(fleet, terms(host_price=0.0, host_watts=0.0))
    assert free.purchase == 4 * 700 and free.running_per_month == pytest.approx(0.4 * 730 * 0.2)


@pytest.mark.parametrize(
    ("owned", "cards", "hosts", "had"),
    [(0, 1, 1, 0), (1, 1, 1, 1), (1, 2, 1, 1), (1, 4, 1, 0), (4, 2, 3, 2), (1, 1, 3, 1)],
)
def test_whoever_has_cards_has_a_machine_for_them(owned: int, cards: int, hosts: int, had: int) -> None:
    """It is not paid for again where it takes as many as are planned; a computer with one card takes a second."""
    assert there("desk", owned, cards, hosts) == had


@given(kind=KINDS, each=st.integers(1, 8), hosts=st.integers(1, 20), fewer=st.integers(0, 7), less=st.integers(0, 19))
def test_the_least_is_no_more_than_any_machines_cost(kind: str, each: int, hosts: int, fewer: int, less: int) -> None:
    """The bound that the search goes by holds for any fleet with at least so many cards and machines."""
    real = around(kind, each * hosts, hosts, USD)  # type: ignore[arg-type]
    cards, least_hosts = max(each * hosts - fewer, 1), max(hosts - less, 1)
    bound = least_around(kind, cards, least_hosts, USD)  # type: ignore[arg-type]
    assert bound.price <= real.price and bound.watts <= real.watts and bound.idle_watts <= real.idle_watts


@given(kind=KINDS, cards=st.integers(1, 40))
def test_more_cards_never_need_a_cheaper_machine(kind: str, cards: int) -> None:
    """Price and power grow with the cards that a machine takes, beyond the largest too."""
    one, more = rung(kind, cards), rung(kind, cards + 1)  # type: ignore[arg-type]
    assert one and more and one.cards >= cards
    assert one.usd <= more.usd and one.watts <= more.watts and one.idle_watts < one.watts


def test_each_price_has_its_range_date_and_source() -> None:
    """Money without a day is no price: each lies within the range that was seen."""
    for entries in constants("prices")["hosts"].values():
        assert all(one["low_usd"] <= one["usd"] <= one["high_usd"] and one["date"] and one["source"] for one in entries)
        assert [one["cards"] for one in entries] == sorted(one["cards"] for one in entries)
    assert rungs("itself") == ()


def test_several_small_machines_are_found_where_they_cost_less_than_a_large_one() -> None:
    """The cheapest costs no more than as few machines of any smaller size as carry the load, asked for one by one."""
    question, (supply,) = ask(users=600), supplies("RTX 3060 12GB", None)
    best = sized(question, (supply,), Limits(), terms()).kinds["cheapest"].cost
    assert best is not None
    for size in (1, 2, 4):
        limits = Limits(cards_a_host=size)
        other = sized(question, (supply,), limits, terms()).kinds.get("cheapest")
        assert other is None or other.cost is None or best.per_month <= other.cost.per_month + 1e-6


def test_a_fleet_is_dearer_with_its_machines() -> None:
    """Eight small cards cost what they draw and stand in: more than one large card that carries the same."""
    question = ask(model="meta-llama/Llama-3.3-70B-Instruct", users=30)
    small, large = (supplies(name, None)[0] for name in ("RTX 5060", "RTX A6000"))
    eight, one = (least_cost(one, cards, 1, terms(), Limits()) for one, cards in ((small, 8), (large, 1)))
    bare = replace(terms(), host_price=0.0, host_watts=0.0)
    assert eight and one and one < eight
    cheapest = sized(question, (small, large), Limits(), terms()).kinds["cheapest"]
    assert cheapest.fit.supply == large
    assert (least_cost(large, 1, 1, bare, Limits()) or 0) < one
