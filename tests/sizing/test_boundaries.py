"""The last load that machines carry is a yes, and one more a no, whoever is asked."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.schema import Question
from advisor.search.step import is_yes
from advisor.sizing.bounds import least_cards
from advisor.sizing.hosts import on_one, on_several
from advisor.sizing.load import scale_of
from advisor.sizing.option import options_of
from advisor.sizing.search import ALIKE, DEAR, Sized, sized
from advisor.sizing.supply import Limits, question_on, supplies
from advisor.sizing.way import costs_of
from advisor.verdict import verdict_for
from tests.sizing.asked import CASE_A, ask, few, terms

NONE = Limits()
users = st.integers(1, 250)


def answer(question: Question, limits: Limits = NONE) -> Sized:
    """Out of the small catalogue."""
    return sized(question, few(), limits, terms())


@settings(max_examples=3)
@given(number=users, targets=st.sampled_from(({}, {"tpot_ms": 40}, {"ttft_ms": 900})))
def test_every_way_meets_its_targets_and_ends_where_it_says(number: int, targets: dict[str, float]) -> None:
    """Asked again, each named way is a yes for the planned load and for the last one it carries, and a no beyond."""
    for option in options_of(answer(ask(users=number, **targets)), terms()):
        asked = option.way.question
        assert verdict_for(asked, depth=False).meets_targets
        assert option.most is not None and option.most >= number
        scale = scale_of(asked.workload)
        assert is_yes(scale.asked(asked, option.most))
        assert not is_yes(scale.asked(asked, option.most + 1))
        assert option.binds


@settings(max_examples=4)
@given(number=users, more=st.integers(1, 100))
def test_more_users_never_need_fewer_or_cheaper_machines(number: int, more: int) -> None:
    """The fewest and the cheapest of a larger load have at least as many cards, and cost at least as much."""
    found = [answer(ask(users=people)) for people in (number, number + more)]
    fewest = [each.kinds["fewest"].fit.cards for each in found]
    costs = [cost.per_month for each in found if (cost := each.kinds["cheapest"].cost)]
    assert fewest == sorted(fewest) and costs == sorted(costs) and len(costs) == 2


@settings(max_examples=3)
@given(number=users, tpot=st.sampled_from((30, 50, 80)), ttft=st.sampled_from((600, 1200)))
def test_a_stricter_target_never_costs_less(number: int, tpot: int, ttft: int) -> None:
    """Half of the time allowed, the cheapest way costs at least as much, or there is none any more."""
    loose, strict = (
        answer(ask(users=number, tpot_ms=tpot * by, ttft_ms=ttft * by)).kinds.get("cheapest") for by in (2, 1)
    )
    assert loose is not None and loose.cost is not None
    assert strict is None or (strict.cost is not None and strict.cost.per_month >= loose.cost.per_month)


@settings(max_examples=4)
@given(number=st.integers(1, 300))
def test_the_cheapest_is_the_cheapest_of_all(number: int) -> None:
    """Every number of every card in one machine, tried one after the other without bounds, finds nothing cheaper."""
    question, limits = ask(users=number), Limits(cards_a_host=4)
    found = sized(question, few(), limits, terms()).kinds
    least = found["cheapest"].cost
    for supply in few():
        first = next((n for n in range(1, 5) if is_yes(question_on(question, supply, n, 1))), None)
        assert first is None or first >= least_cards(question, supply.spec)
        if first is not None:
            costs = costs_of(supply, first, 1, terms(), limits)
            assert found["fewest"].fit.cards <= first
            assert least is not None and all(least.per_month <= each.per_month for each in costs)
            single = on_one(question, supply, limits, 5)
            assert single is not None and single.cards == first


def test_case_a_is_one_h100_until_the_exact_user_that_needs_the_second() -> None:
    """50 requests of 8,192 tokens in flight take one H100; machines of one card grow by one at the very boundary."""
    (supply,) = supplies("H100 SXM 80GB", None)
    limits = Limits(cards_a_host=1)
    question = ask(concurrency=50, **CASE_A)
    (option,) = options_of(sized(question, (supply,), limits, terms()), terms())
    assert option.way.fit.cards == 1 and option.most is not None
    for load, cards in ((option.most, 1), (option.most + 1, 2)):
        asked = replace(question, workload=replace(question.workload, concurrency=load))
        fit = on_one(asked, supply, limits, 9) or on_several(asked, supply, limits, 9)
        assert fit is not None and fit.cards == cards


def test_the_16_bit_cache_of_case_a_holds_54_requests() -> None:
    """With the cache as published, the engine's own log counts 54 full requests on that card; so does the plan."""
    (supply,) = supplies("H100 SXM 80GB", None)
    winner = verdict_for(question_on(ask(concurrency=50, **CASE_A), supply, 1, 1), depth=False).winner
    assert winner is not None and 52 <= winner.estimate.memory.full_sequences <= 57


def test_a_spare_machine_may_be_down() -> None:
    """With one spare, the targets hold on what is left, and one machine more is paid for."""
    question, limits = ask(users=300), Limits(spare=1)
    way = answer(question, limits).kinds["cheapest"]
    assert way.fit.hosts_in_all == way.fit.hosts + 1 and way.verdict.meets_targets
    plain = answer(question).kinds["cheapest"]
    assert way.cost is not None and plain.cost is not None and way.cost.per_month > plain.cost.per_month


def test_several_machines_are_as_few_as_carry_it() -> None:
    """Where two cards go into a machine, one machine fewer, or one card fewer in each, is a no."""
    (supply,) = supplies("RTX 3060 12GB", None)
    question = ask(users=500)
    fit = on_several(question, supply, Limits(cards_a_host=2), 200)
    assert fit is not None and fit.hosts > 1
    assert verdict_for(question_on(question, supply, fit.cards_a_host, fit.hosts), depth=False).meets_targets
    assert not verdict_for(question_on(question, supply, 2, fit.hosts - 1), depth=False).meets_targets


def test_limits_hold() -> None:
    """No way is dearer, draws more or has more cards in a machine than was allowed; what one owns is not paid for."""
    question = ask(users=200)
    for limits in (Limits(watts=400), Limits(purchase=1700), Limits(per_month=300), Limits(cards_a_host=1)):
        for way in answer(question, limits).ways:
            draw = way.fit.cards * (way.fit.supply.spec.tdp_watts or 0)
            assert limits.watts is None or draw <= limits.watts
            assert limits.purchase is None or (way.cost is not None and way.cost.purchase <= limits.purchase)
            assert limits.per_month is None or (way.cost is not None and way.cost.per_month <= limits.per_month)
            assert way.fit.cards_a_host <= limits.cards_a_host
    owned = sized(question, supplies("RTX 4090", "8x RTX 4090"), NONE, terms()).kinds["cheapest"]
    assert owned.cost is not None and owned.cost.purchase == 0 and owned.cost.kind == "own"


@settings(max_examples=3)
@given(number=users)
def test_the_fastest_is_no_larger_than_one_that_is_as_fast(number: int) -> None:
    """Nothing answers noticeably sooner, and what answers about as soon has no fewer cards."""
    found = answer(ask(users=number))
    fastest = found.kinds["fastest"]
    for way in found.ways:
        assert fastest.answer_s <= (1 + ALIKE) * way.answer_s
        assert way.answer_s > fastest.answer_s or way.fit.cards >= fastest.fit.cards


def test_no_fleet_of_many_times_the_cost_is_named() -> None:
    """Beside one machine that carries a load, several that cost more than ten times as much answer nothing."""
    question = ask(model="meta-llama/Llama-3.1-70B-Instruct", users=1000)
    ways = sized(question, supplies("RTX 5090, RTX 5070 Ti", None), NONE, terms()).ways
    least = min(way.cost.per_month for way in ways if way.cost)
    assert all(way.fit.hosts == 1 or (way.cost and way.cost.per_month <= DEAR * least) for way in ways)
