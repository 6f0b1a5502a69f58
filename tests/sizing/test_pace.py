"""What a search leaves out unasked is never a yes, and what it leaves out of a verdict never the winner."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor.catalog import gpus
from advisor.decide.capacity import carries
from advisor.decide.pace import too_slow
from advisor.propose import engines_for, levers, propose
from advisor.schema import Question
from advisor.search.step import is_yes
from advisor.sizing.bounds import least_cards
from advisor.sizing.carrying import carrying
from advisor.sizing.search import sized
from advisor.sizing.supply import Limits, question_on, supplies
from advisor.verdict import roomy, verdict_for
from tests.sizing.asked import ask, few, terms

MODELS = ("Qwen/Qwen2.5-7B-Instruct", "openai/gpt-oss-20b", "Qwen/Qwen3-30B-A3B", "google/gemma-3-27b-it")
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
