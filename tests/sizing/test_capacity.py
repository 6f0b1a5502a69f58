"""How many one machine serves: the last is a yes, the next a no, engine by engine; and what is compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.commands.comparing import compared, read_item
from advisor.errors import BadInput
from advisor.probe.simulate import simulate
from advisor.report.instead import Figures, in_words, ratios
from advisor.search.step import asking, is_yes
from advisor.sizing.capacity import served
from advisor.sizing.supply import supplies
from tests.sizing.asked import SEVEN, ask


@settings(max_examples=1)
@given(card=st.sampled_from(("RTX 3060 12GB", "L4", "RTX 5080")), tpot=st.sampled_from((40, 60)))
def test_each_engine_serves_so_many_and_no_more(card: str, tpot: int) -> None:
    """Asked again, each engine is a yes for its most users and its most in flight, and a no for one more of either."""
    question = replace(ask(tpot_ms=tpot), hardware=simulate(card))
    for each in served(question):
        asked = asking(question, engine=each.engine)
        for key, most in (("users", each.users), ("concurrency", each.in_flight)):
            assert most is not None
            assert most == 0 or is_yes(asking(asked, **{key: most}))
            assert not is_yes(asking(asked, **{key: most + 1}))
        assert each.binds


def test_a_change_serves_more() -> None:
    """Each change that is told serves more users than the machine does as it is."""
    question = replace(ask(engine="vllm", tpot_ms=60), hardware=simulate("RTX 3060 12GB"))
    (each,) = served(question)
    assert each.users is not None and each.next_change is not None
    assert all(change.most is None or change.most > each.users for change in each.changes)


def test_where_nobody_is_served_it_says_why() -> None:
    """A 70B on a card of 12 GB: none, the reason, and changes after which somebody is."""
    question = replace(ask(model="meta-llama/Llama-3.3-70B-Instruct"), hardware=simulate("RTX 3060 12GB"))
    for each in served(question):
        assert each.users == 0 and each.plan is None and each.binds
        assert each.next_change is not None and (each.next_change.most or 0) > 0


def test_what_is_compared_is_told_against_the_first() -> None:
    """Twice as many, half as fast, what is not known left out."""
    one = Figures(carries=20, unit="users", each=40.0, first_s=0.2, per_month=50.0)
    two = Figures(carries=40, unit="users", each=20.0, first_s=None, per_month=75.0)
    assert ratios(one, two) == {"carries": 2.0, "each": 0.5, "first_s": None, "per_month": 1.5}
    told = in_words(one, two, "EUR")
    assert "carries 40 users instead of 20 (2 times)" in told and "75 EUR a month instead of 50" in told
    assert "first token" not in told


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ollama", "engine"),
        ("vllm", "engine"),
        ("fp8", "format"),
        ("q4_K_M", "format"),
        ("2x RTX 3090", "card"),
        ("H100 NVL", "card"),
        ("qwen2.5:7b", "model"),
        (SEVEN, "model"),
    ],
)
def test_what_is_compared_is_known_by_its_name(name: str, kind: str) -> None:
    """Engines, formats, cards and models are told apart."""
    assert read_item(name).kind == kind


def test_a_name_that_is_nothing_is_refused() -> None:
    """It says as what it was looked up."""
    with pytest.raises(BadInput, match="no plan, engine, weights format, card or model"):
        read_item("nonsense-17")


def test_cards_are_compared_under_one_load() -> None:
    """Two cards carry at least what one does, and each answer is about the same load and model."""
    asked = {"model": SEVEN, "users": 20, "offline": True, "engine": "vllm"}
    one, two = compared(
        ("RTX 3060 12GB", "2x RTX 3060 12GB"),
        profile="chat", overrides=asked, gpu=None, hardware_file=None, measurements="none",
    )  # fmt: skip
    assert one.answer.workload == two.answer.workload and one.answer.model == two.answer.model
    assert (two.answer.verdict.capacity_users or 0) > (one.answer.verdict.capacity_users or 0) > 0


@pytest.mark.parametrize("text", ["", "RTX 4090,,L4", "nonsense", "RTX 3090 + RTX 4090", "cpu"])
def test_a_card_that_cannot_be_had_is_refused(text: str) -> None:
    """Empty, unknown or mixed names are no supply."""
    with pytest.raises(BadInput):
        supplies(text, None)


def test_what_one_has_is_beside_what_can_be_had() -> None:
    """`2x` bounds what can be had; what is owned comes on top of it."""
    first, second = supplies("2x L4, RTX 4090", "3x L4")
    assert (first.most, first.owned, second.owned) == (5, 3, 0)
