"""Answers of unequal length: the thin end of a run, and who is told that lengths vary."""

from __future__ import annotations

import math
import random

import pytest

from advisor.engines.ready import Unsupported
from advisor.physics.speed.inside import EQUAL, Work
from advisor.physics.speed.lengths import LENGTHS, LONGEST, drain_s
from advisor.physics.speed.serving import all_at_once, closed_loop
from advisor.physics.speed.step import StepModel
from advisor.predict.rows import read_load
from tests.physics import test_serving

step = test_serving.step  # the fixture: a 7B in 16 bit on a card of 1 TB/s
rule = test_serving.rule
WORK = Work(prompt=250.0, cached=0.0, output=100.0, context=300.0, longest=LONGEST)


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
    equal, unequal = (
        all_at_once(step, rule(slots=64), prompts, 512, 128, longest=longest) for longest in (EQUAL, LONGEST)
    )
    assert unequal.requests_per_s <= equal.requests_per_s * 1.01
    assert unequal.ttft_s <= equal.ttft_s * 1.01 or prompts > 64


def test_a_long_closed_loop_does_not_notice_its_end(step: StepModel) -> None:
    """Of many prompts the last ones are few; of as many as clients, all are."""
    endless = closed_loop(step, rule(), 64, 512, 128).output_tokens_per_s
    rates = [
        closed_loop(step, rule(), 64, 512, 128, prompts=prompts, longest=LONGEST).output_tokens_per_s
        for prompts in (64, 640, 64_000)
    ]
    assert rates == sorted(rates)
    assert rates[0] < 0.8 * endless
    assert rates[2] == pytest.approx(endless, rel=0.01)


def load(answer: str, *, lengths: str = "", cap: str = "") -> float:
    """The longest answer in means that a row with this mean is read with."""
    return read_load(("serving", "", "inf", "217.3", answer, "1000", cap, lengths, "")).longest


@pytest.mark.parametrize("answer", ["196.4", "196", "100.5", "0.5", "1e3", "98.2"])
def test_a_mean_never_tells_how_lengths_spread(answer: str) -> None:
    """A broken mean is the mean of a data set as often as that of answers that stop at one length: all are equal."""
    assert load(answer) == load(answer, lengths="fixed") == EQUAL


@pytest.mark.parametrize("name", LENGTHS)
def test_a_distribution_is_named(name: str) -> None:
    """In any case and with spaces around; the limit of an answer bounds the longest, and never cuts below the mean."""
    assert load("100", lengths=f" {name.upper()} ") == LENGTHS[name]
    assert load("100", lengths=name, cap="150") == min(LENGTHS[name], 1.5)
    assert load("100", lengths=name, cap="90") == EQUAL


def test_a_distribution_that_nobody_knows_is_refused() -> None:
    """With what was written and what is accepted."""
    with pytest.raises(Unsupported, match="'lognormal' is neither fixed, uniform, exponential, sharegpt nor a share"):
        load("100", lengths="lognormal")


@pytest.mark.parametrize("share", ["0", "0.25", "0.5", "0.8", "0.95", "1"])
def test_lengths_may_be_drawn_evenly_from_a_range(share: str) -> None:
    """As the shortest over the longest: 0 is uniform, 1 is fixed, and the mean lies in the middle."""
    longest = load("100", lengths=share)
    assert longest + longest * float(share) == pytest.approx(2.0)
    assert load("100", lengths="uniform") >= longest >= EQUAL


@pytest.mark.parametrize("share", ["-0.1", "1.01", "nan", "inf", "80%"])
def test_a_range_beyond_the_longest_is_refused(share: str) -> None:
    """With what was written and what is accepted."""
    with pytest.raises(Unsupported, match="nor a share from 0 to 1"):
        load("100", lengths=share)


def test_the_limit_of_an_answer_stands_for_its_length_where_no_mean_is_known() -> None:
    """A run that ignores the end of the text writes to the limit."""
    assert read_load(("serving", "4", "", "512", "", "", "300", "", "")).output_tokens == 300


@pytest.mark.parametrize(
    ("written", "cached"), [("", 0), ("n", 0), ("unknown", 0), ("y", 500), ("1", 500), ("0.25", 125), ("0", 0)]
)
def test_a_share_of_the_prompt_may_be_cached(written: str, cached: float) -> None:
    """As a share, or as yes and no; unknown is not cached."""
    assert read_load(("serving", "4", "", "500", "100", "", "", "", written)).cached_tokens == cached


@pytest.mark.parametrize("written", ["2", "-0.1", "nan", "half", "101%"])
def test_a_share_beyond_the_whole_is_refused(written: str) -> None:
    """With what was written and what is accepted."""
    with pytest.raises(Unsupported, match="is not a share from 0 to 1, y, n or unknown"):
        read_load(("serving", "4", "", "500", "100", "", "", "", written))


def test_the_longest_answer_is_bounded(step: StepModel) -> None:
    """A hundred times more requests than that bound admits cost as many longer steps, not longer answers."""
    few, many = math.exp(LONGEST), 100 * math.exp(LONGEST)
    longest = WORK.output * LONGEST
    assert drain_s(step, many, WORK) <= longest * step.decode_s(many, WORK.context)
    assert drain_s(step, few, WORK) < drain_s(step, many, WORK)
