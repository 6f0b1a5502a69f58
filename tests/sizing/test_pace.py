"""What a search leaves out unasked is never a yes, and what it leaves out of a verdict never the winner."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor.catalog import gpus
from advisor.decide.capacity import carries
from advisor.decide.pace import too_slow
from advisor.engines.base import anything
from advisor.propose import engines_for, levers, propose
from advisor.schema import Question
from advisor.search.step import is_yes
from advisor.sizing.bounds import least_cards
from advisor.sizing.carrying import carrying
from advisor.sizing.ceiling import Ceiling
from advisor.sizing.hosts import on_several
from advisor.sizing.known import Known, no_less
from advisor.sizing.search import sized
from advisor.sizing.supply import Limits, question_on, supplies
from advisor.verdict import roomy, verdict_for
from tests.sizing.asked import ask, few, terms

MODELS = ("Qwen/Qwen2.5-7B-Instruct", "openai/gpt-oss-20b", "Qwen/Qwen3-30B-A3B", "google/gemma-3-27b-it")
SOLD = tuple(supply.spec for supply in supplies(None, None))
PAIRS = tuple((one.id, two.id) for one in SOLD for two in SOLD if one.id != two.id and no_less(one, two))
CARDS = tuple(spec.id for spec in gpus() if spec.memory_bytes >= 8e9 and spec.usd_per_hour)


@st.composite
def loads(draw: st.DrawFn) -> dict[str, Any]:
    """People, requests in flight or a rate, under targets from hard to easy."""
    kind = draw(st.sampled_from(("users", "concurrency", "request_rate")))
    number: float = draw(st.integers(1, 800)) if kind != "request_rate" else draw(st.floats(0.05, 80))
    targets = {"ttft_ms": draw(st.integers(200, 20000)), "tpot_ms": draw(st.integers(10, 200))}
    read = draw(st.integers(250, 8000))
    written = {"input_tokens": read, "output_tokens": draw(st.integers(10, 1500))}
    written["history_tokens"] = draw(st.integers(200, read))
    return {kind: number, "model": draw(st.sampled_from(MODELS)), "context_tokens": 16384, **targets, **written}


def on_cards(load: dict[str, Any], card: str, number: int) -> Question:
    """The question on so many of that card."""
    (supply,) = supplies(card, None)
    return roomy(question_on(ask(**load), supply, number, 1))


QUESTIONS = (  # and twice the verdicts that each took when this was written
    ({"users": 50}, 40),
    ({"users": 300, "model": "Qwen/Qwen2.5-32B-Instruct"}, 80),
)

# Beyond the load at which it comes to rest this engine answers fewer a second again.
PAST_ITS_BEST = {
    "model": "meta-llama/Llama-3.1-8B-Instruct", "request_rate": 72.45, "ttft_ms": 6061, "tpot_ms": 24,
    "think_time_s": 8, "dispersion": 13, "prompt_p95": 1.25, "shared_prefix_tokens": 0, "history_tokens": 1200,
    "input_tokens": 1500, "output_tokens": 40, "context_tokens": 4096,
}  # fmt: skip


@settings(max_examples=12)
@example(load=PAST_ITS_BEST, card="nvidia-rtx-pro-6000-blackwell-maxq", number=1)
@given(load=loads(), card=st.sampled_from(CARDS), number=st.sampled_from((1, 2, 4, 8)))
def test_what_is_too_slow_is_no_yes(load: dict[str, Any], card: str, number: int) -> None:
    """Every way of every engine that one look calls too slow misses a target when it is asked in full."""
    question = on_cards(load, card, number)
    usual = propose(question.hardware, question.workload, question.model)
    further = (
        levers(question.hardware, question.workload, question.model, name) for name in engines_for(question.workload)
    )
    for way in (*usual, *(one for ways in further for one in ways)):
        assert not too_slow(way, question) or carries((way,), question) is None


@settings(max_examples=12)
@given(load=loads(), card=st.sampled_from(CARDS), number=st.sampled_from((1, 2, 4, 8)))
def test_the_bounds_cut_no_yes_and_the_order_changes_none(load: dict[str, Any], card: str, number: int) -> None:
    """A way is found exactly where the verdict is yes, whatever carried before; never below the least cards."""
    question = on_cards(load, card, number)
    yes = verdict_for(question, depth=False).meets_targets
    assert (carrying(question) is not None) == is_yes(question) == yes
    assert (carrying(question, {("vllm", "fp8", "auto", True, False): 3}) is not None) == yes
    (supply,) = supplies(card, None)
    assert not yes or number >= least_cards(question, supply.spec)


@settings(max_examples=4)
@given(number=st.integers(1, 400), tpot=st.sampled_from((30, 60, 100)))
def test_the_verdict_of_the_search_names_the_plan_of_the_whole_one(number: int, tpot: int) -> None:
    """What is too slow, left out of the verdict that ranks the ways, was no winner."""
    for way in sized(ask(users=number, tpot_ms=tpot), few(), Limits(), terms()).ways:
        whole = verdict_for(way.question, depth=False).winner
        assert whole is not None and way.verdict.winner is not None
        assert whole.estimate.candidate == way.verdict.winner.estimate.candidate


@settings(max_examples=12)
@given(load=loads(), pair=st.sampled_from(PAIRS), number=st.sampled_from((1, 2, 3, 4, 8)))
def test_a_card_that_is_no_less_carries_what_a_lesser_one_does(
    load: dict[str, Any], pair: tuple[str, str], number: int
) -> None:
    """Of one generation the card that is at least the other in every figure is a yes wherever the other one is."""
    better, lesser = pair
    assert not is_yes(on_cards(load, lesser, number)) or is_yes(on_cards(load, better, number))


def test_a_no_says_nothing_of_more_and_of_fewer_cards_in_several_machines() -> None:
    """Known is what was asked, fewer machines, fewer cards of one machine, and lesser cards; the rest is asked."""
    known, spec = Known(ask()), next(spec for spec in gpus() if spec.id == "nvidia-rtx-4090")
    lesser = next(one for one in gpus() if one.id != spec.id and no_less(spec, one))
    assert not known.carried(spec, (4, 1), lambda: False) and not known.carried(spec, (7, 3), lambda: False)
    for card in (spec, lesser):
        for machines, follows in (((3, 1), True), ((7, 2), True), ((6, 3), False), ((7, 4), False), ((8, 1), False)):
            assert known.carried(card, machines, lambda: True) != follows


def test_several_machines_have_the_first_number_of_cards_that_carries() -> None:
    """Twelve cards in two machines carry a model of 128 heads where fourteen do not: no number is stepped over."""
    (supply,) = supplies("H100 SXM 80GB", None)
    question = ask(model="deepseek-ai/DeepSeek-V3", users=200)
    fit = on_several(question, supply, Limits(), 200)
    assert fit is not None
    for number in range(1, fit.cards_a_host + 1):
        yes = carrying(question_on(question, supply, number, fit.hosts)) is not None
        assert yes == (number == fit.cards_a_host)


@settings(max_examples=25)
@example(load={"model": MODELS[2], "users": 2000}, card="nvidia-rtx-5070", machines=(5, 3))
@example(load={"model": "deepseek-ai/DeepSeek-V3", "users": 200}, card="nvidia-h100-sxm5-80gb", machines=(6, 2))
@example(load={"model": MODELS[3], "users": 30, "allow_offload": True}, card="nvidia-rtx-3060-12gb", machines=(1, 1))
@given(
    load=loads(), card=st.sampled_from(CARDS), machines=st.tuples(st.sampled_from((1, 2, 3, 5, 8)), st.integers(1, 9))
)
def test_what_cards_cannot_exceed_is_no_yes(load: dict[str, Any], card: str, machines: tuple[int, int]) -> None:
    """Machines that carry a load are in reach, alone and in number, and so is the way that carries it."""
    (supply,) = supplies(card, None)
    question = roomy(question_on(ask(**load), supply, *machines))
    way = carrying(question)
    if way is not None:
        ceiling = Known(ask(**load)).ceiling(supply, max(machines[0], 8))
        assert ceiling.reaches(*machines) and ceiling.allows(way)
        pooled = ceiling.pooled(1, machines[0] * machines[1])
        assert pooled is not None and pooled <= machines[0] * machines[1]


@settings(max_examples=8)
@given(load=loads(), card=st.sampled_from(CARDS), number=st.sampled_from((1, 2, 4)))
def test_a_verdict_is_the_same_without_ways_that_cannot_carry_the_load(
    load: dict[str, Any], card: str, number: int
) -> None:
    """The plan that wins is the same where further ways that are out of reach are not looked at."""
    question = on_cards(load, card, number)
    whole, less = (verdict_for(question, depth=False, may=may) for may in (anything, Ceiling(question).allows))
    assert whole.meets_targets == less.meets_targets
    assert whole.winner is None or (less.winner and whole.winner.estimate.candidate == less.winner.estimate.candidate)


@pytest.mark.parametrize(("asked", "verdicts"), QUESTIONS)
def test_a_question_over_the_whole_catalogue_costs_some_verdicts(asked: dict[str, Any], verdicts: int) -> None:
    """A load is sized over every card for at most so many times what one verdict about it costs."""
    question, all_cards = ask(**asked), supplies(None, None)
    some = [question_on(question, card, 4, 1) for card in all_cards[::10]]
    one = _seconds(lambda: [verdict_for(each, depth=False) for each in some]) / len(some)
    assert _seconds(lambda: sized(question, all_cards, Limits(), terms())) < verdicts * one


def _seconds(work: Callable[[], object]) -> float:
    """Of processor time."""
    start = time.process_time()
    work()
    return time.process_time() - start
