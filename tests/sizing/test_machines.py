"""Several machines: the first number that carries a load is found, and more of them carry it too."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from advisor.decide.reach import misses_alone
from advisor.propose import propose
from advisor.propose.over_nodes import on_fewest, times
from advisor.search.step import is_yes
from advisor.sizing.ceiling import Ceiling
from advisor.sizing.hosts import on_several
from advisor.sizing.known import Known
from advisor.sizing.supply import Limits, question_on, supplies
from advisor.verdict import roomy, verdict_for
from tests.sizing.asked import ask

MIXTURE = {"model": "Qwen/Qwen3-30B-A3B", "users": 2000}
SMALL = ("RTX 3060 12GB", "RTX 4070", "L4", "RTX A2000 12GB", "RTX 5060 Ti 8GB")


@st.composite
def crowds(draw: st.DrawFn) -> dict[str, Any]:
    """More people than one machine of small cards serves."""
    model = draw(st.sampled_from(("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen2.5-32B-Instruct")))
    return {"model": model, "users": draw(st.integers(100, 2500)), "ttft_ms": draw(st.integers(500, 6000))}


@settings(max_examples=8)
@example(load=MIXTURE, card="L4", cards=8)
@example(load=MIXTURE, card="RTX 4070", cards=8)
@given(load=crowds(), card=st.sampled_from(SMALL), cards=st.sampled_from((1, 2, 4, 8)))
def test_the_first_number_of_machines_that_carries_is_found(load: dict[str, Any], card: str, cards: int) -> None:
    """`recommend` says no of every smaller number of such machines and yes of that one; no number is stepped over."""
    (supply,), question = supplies(card, None), ask(**load)
    assume(not is_yes(question_on(question, supply, cards, 1)))
    fit = on_several(question, supply, Limits(cards_a_host=cards), 10 * cards)
    most = 9 if fit is None else fit.hosts
    for number in range(2, most):
        assert not is_yes(question_on(question, supply, cards, number))
    if fit is not None:
        assert verdict_for(question_on(question, supply, fit.cards_a_host, fit.hosts), depth=False).meets_targets


@settings(max_examples=6)
@example(load=MIXTURE, card="L4", cards=8, number=7)
@given(load=crowds(), card=st.sampled_from(SMALL), cards=st.sampled_from((2, 8)), number=st.integers(2, 7))
def test_a_machine_more_takes_nothing_away(load: dict[str, Any], card: str, cards: int, number: int) -> None:
    """What so many machines carry, one more does: to leave one idle is among its ways."""
    (supply,), question = supplies(card, None), ask(**load)
    few, more = (question_on(question, supply, cards, hosts) for hosts in (number, number + 1))
    assert not is_yes(few) or is_yes(more)


@settings(max_examples=12)
@given(load=crowds(), card=st.sampled_from(SMALL), number=st.integers(1, 20), more=st.integers(1, 40))
def test_what_is_too_slow_alone_is_so_on_more_machines(load: dict[str, Any], card: str, number: int, more: int) -> None:
    """A single request finds no more in the cache of one of many replicas, so that it comes no sooner there."""
    (supply,), question = supplies(card, None), ask(**load)
    one = roomy(question_on(question, supply, 2, 1))
    ways = list(on_fewest(propose(one.hardware, one.workload, one.model), one.hardware, one.model))
    assume(ways)
    few, many = (question_on(question, supply, 2, max(hosts, 2)) for hosts in (number, number + more))
    for way in ways:
        assert not misses_alone(times(way, number), few) or misses_alone(times(way, number + more), many)


@settings(max_examples=12)
@given(
    load=crowds(), card=st.sampled_from(SMALL), cards=st.sampled_from((1, 2, 8)),
    first=st.integers(2, 20), more=st.integers(1, 40),
)  # fmt: skip
def test_a_range_that_is_left_out_has_no_number_in_reach(
    load: dict[str, Any], card: str, cards: int, first: int, more: int
) -> None:
    """The first number of machines that might carry a load is the first of all numbers asked one by one."""
    (supply,), question = supplies(card, None), ask(**load)
    ceiling: Ceiling = Known(question).ceiling(supply, 8)
    one_by_one = next((hosts for hosts in range(first, first + more) if ceiling.reaches(cards, hosts)), None)
    assert ceiling.machines(cards, first, first + more) == one_by_one
