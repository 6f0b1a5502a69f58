"""Answers of unequal length: the thin end of a run, and who is told that lengths vary."""

from __future__ import annotations

import math
import random

import pytest

from advisor.physics.speed.inside import Work
from advisor.physics.speed.lengths import LONGEST, drain_s
from advisor.physics.speed.serving import all_at_once, closed_loop
from advisor.physics.speed.step import StepModel
from advisor.predict.rows import read_load
from tests.physics import test_serving

step = test_serving.step  # the fixture: a 7B in 16 bit on a card of 1 TB/s
rule = test_serving.rule
WORK = Work(prompt=250.0, cached=0.0, output=100.0, context=300.0)


@pytest.mark.parametrize("batch", [1, 2, 5, 16, 64, 200])
def test_the_end_of_a_run_is_the_sum_over_those_who_are_left(step: StepModel, batch: int) -> None:
    """The five points of the integral are within 3 % of the sum, one term for each request that is left."""
    whole = WORK.output * sum(step.decode_s(left, WORK.context) / left for left in range(1, batch + 1))
    assert drain_s(step, batch, WORK) == pytest.approx(whole, rel=0.03)


@pytest.mark.parametrize("batch", [16, 100, 400])
def test_drawn_answers_end_when_the_formula_says(step: StepModel, batch: int) -> None:
    """A run of answers drawn at random, the mean of two hundred: within 5 % of the formula."""
    dice = random.Random(1)
    ends = []
    for _ in range(200):
        left = sorted(min(dice.expovariate(1.0), LONGEST) for _ in range(batch))
        ends.append(
            sum(
                (now - before) * step.decode_s(batch - place, WORK.context)
                for place, (before, now) in enumerate(zip([0.0, *left], left, strict=False))
            )
        )
    assert drain_s(step, batch, WORK) == pytest.approx(WORK.output * sum(ends) / len(ends), rel=0.05)


@pytest.mark.parametrize("prompts", [1, 8, 64, 500])
def test_unequal_answers_never_end_sooner(step: StepModel, prompts: int) -> None:
    """The same prompts at once, with slots for 64: the run takes as long or longer, and the first token does not."""
    equal, unequal = (all_at_once(step, rule(slots=64), prompts, 512, 128, varied=varied) for varied in (False, True))
    assert unequal.requests_per_s <= equal.requests_per_s * 1.01
    assert unequal.ttft_s <= equal.ttft_s * 1.01 or prompts > 64


def test_a_long_closed_loop_does_not_notice_its_end(step: StepModel) -> None:
    """Of many prompts the last ones are few; of as many as clients, all are."""
    endless = closed_loop(step, rule(), 64, 512, 128).output_tokens_per_s
    rates = [
        closed_loop(step, rule(), 64, 512, 128, prompts=prompts, varied=True).output_tokens_per_s
        for prompts in (64, 640, 64_000)
    ]
    assert rates == sorted(rates)
    assert rates[0] < 0.8 * endless
    assert rates[2] == pytest.approx(endless, rel=0.01)


@pytest.mark.parametrize(
    ("prompt", "answer", "varied"),
    [
        ("217.3", "196.4", True),  # a data set
        ("1000", "100", False),
        ("1024", "98.2", False),  # synthetic prompts, a few of whose answers stopped early
        ("1996.3", "98.2", False),  # the same, counted again by another tokenizer
        ("217.3", "512", False),  # a data set with answers of forced length
        ("", "196.4", False),
    ],
)
def test_lengths_that_nobody_would_choose_are_those_of_a_data_set(prompt: str, answer: str, varied: bool) -> None:
    """Broken means of prompt and answer tell a data set; round ones were chosen."""
    assert read_load(("serving", "", "inf", prompt, answer, "1000")).varied is varied


def test_the_longest_answer_is_bounded(step: StepModel) -> None:
    """A hundred times more requests than that bound admits cost as many longer steps, not longer answers."""
    few, many = math.exp(LONGEST), 100 * math.exp(LONGEST)
    longest = WORK.output * LONGEST
    assert drain_s(step, many, WORK) <= longest * step.decode_s(many, WORK.context)
    assert drain_s(step, few, WORK) < drain_s(step, many, WORK)
