"""Formulas in symbols: what they say is what the code computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import pytest

from advisor.catalog import constants, engine_limits
from advisor.decide import vetoed
from advisor.engines.admission import last_answer_s
from advisor.estimate import latency_s, sized_for, speed_at
from advisor.frozen import replace
from advisor.measured.store import measurements_from
from advisor.models.thinking import written_tokens
from advisor.pipeline import Answer, recommend
from advisor.report.explain import explain, letters_of
from advisor.schema import Candidate, Question
from advisor.verdict import verdict_for
from tests.report.answers import answer
from tests.symbol_values import Values, targets, values

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "ceil": math.ceil, "floor": math.floor, "max": max, "min": min, "sqrt": math.sqrt,
}  # fmt: skip
CASES = ("yes", "several")  # vLLM, a dense model with plain attention, people: on one card, and on four
SOLVED = {"B": 1e-3}  # as near as the solver goes
OF_PEOPLE = ("n", "p")  # follow from people at the mean load only
ELSEWHERE = ("W", "n_x", "n_c")  # tests of their own


def steps() -> dict[str, str]:
    """What stands on the left → the right side of its formula, of all figures."""
    lines = (line for entry in constants("figures").values() for line in entry["symbols"])
    return {left: right for left, sign, right in (line.partition(" = ") for line in lines) if sign}


def computed(formula: str, known: Values) -> float:
    """The formula with these numbers."""
    found: float = eval(formula, {"__builtins__": {}}, {**FUNCTIONS, **known})  # noqa: S307 - our own data
    return found


@cache
def thoughtful() -> Answer:
    """A model that thinks before it answers."""
    asked = {"users": 2, "model": "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "engine": "vllm", "offline": True}
    return recommend(profile=None, overrides=asked, gpu="RTX 4090", measurements="none")


@pytest.mark.parametrize("load", ["mean", "peak"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("left", [left for left in steps() if left not in ELSEWHERE])
def test_a_formula_gives_the_figure_of_a_plan(left: str, case: str, load: str) -> None:
    """The numbers of the plan put into the right side of the formula give what stands on its left."""
    if load == "peak" and left in OF_PEOPLE:
        load = "mean"
    known = values(answer(case), load)
    assert computed(steps()[left], known) == pytest.approx(known[left], rel=SOLVED.get(left, 1e-6))


@pytest.mark.parametrize("left", ["Y", "O_95"])
def test_thoughts_come_before_the_answer(left: str) -> None:
    """Of a model that thinks, the first token of the answer comes so much later."""
    known = values(thoughtful(), "peak")
    assert known["O"] > 0 and computed(steps()[left], known) == pytest.approx(known[left], rel=1e-6)


@pytest.mark.parametrize("load", ["mean", "peak"])
def test_a_cache_that_is_too_small_keeps_a_share(load: str) -> None:
    """Where more conversations go on than the cache holds, the formula gives the share that is printed."""
    known = values(answer("class"), load)
    assert 0 < known["E"] < 1 and computed(steps()["E"], known) == pytest.approx(known["E"], rel=1e-6)


def test_the_last_of_a_class_has_its_answer() -> None:
    """The formula with the burst's own times gives the time that is printed."""
    found = answer("class")
    assert found.plan is not None
    last = last_answer_s(found.plan.estimate, written_tokens(found.workload, found.model))
    assert computed(steps()["W"], values(found, "burst")) == pytest.approx(last, rel=1e-6)


def question(found: Answer, concurrency: int | None = None) -> Question:
    """The question behind an answer, with so many in flight instead of its people."""
    workload = found.workload if concurrency is None else replace(found.workload, concurrency=concurrency)
    return Question(
        model=found.model, workload=workload, hardware=found.hardware, measurements=measurements_from("none")
    )


@pytest.mark.parametrize("case", CASES)
def test_the_capacity_is_the_last_load_within_the_targets(case: str) -> None:
    """The condition of the formula holds at the printed load, and no longer with one request more."""
    found, condition = answer(case), _within("n_c", "max")
    assert found.plan is not None and found.verdict.capacity_in_flight is not None
    for more, holds in ((0, True), (1, False)):
        winner = verdict_for(question(found, found.verdict.capacity_in_flight + more), depth=False).winner
        assert winner is not None and winner.estimate.peak_speed is not None
        assert bool(computed(condition, targets(found.plan, winner.estimate.peak_speed))) is holds


def test_the_crossover_is_where_the_engines_take_as_long() -> None:
    """The condition holds a little above the printed load, and not a little below it."""
    found, condition = answer("yes"), _within("n_x", "min")
    crossover = found.verdict.crossover_in_flight
    best: dict[str, Candidate] = {}
    for one in (found.verdict.winner, *found.verdict.losers):
        if one is not None and not vetoed(one):
            best.setdefault(one.estimate.candidate.engine, one.estimate.candidate)
    simple, other = sorted(best, key=lambda name: engine_limits(name).simplicity)
    assert crossover is not None
    for load, holds in ((1.06 * crossover, True), (0.94 * crossover, False)):
        known = {"R_s": _answer_s(best[simple], load, found), "R_b": _answer_s(best[other], load, found)}
        assert bool(computed(condition, known)) is holds


@pytest.mark.parametrize("case", [*CASES, "class", "mac"])
def test_a_high_confidence_is_that_of_the_slow_end(case: str) -> None:
    """What each level asks for holds of a plan that has it."""
    found = answer(case)
    level = found.verdict.confidence
    asks = dict(line.split(" : ") for line in constants("figures")["confidence"]["symbols"])
    assert found.plan is not None and found.plan.estimate.peak_speed is not None and level in asks
    assert computed(asks[level], targets(found.plan, found.plan.estimate.peak_speed))


def test_every_figure_has_its_formula_and_every_letter_its_meaning() -> None:
    """The legend of a figure names each letter of its formula; the table holds no other."""
    figures = constants("figures")
    used = {letter for entry in figures.values() for line in entry["symbols"] for letter in letters_of(line)}
    assert used == set(constants("symbols"))
    for name, entry in figures.items():
        told = explain(name)
        assert told["in symbols"].startswith("; ".join(entry["symbols"]))
        assert all(f"{letter} = " in told["where"] for line in entry["symbols"] for letter in letters_of(line))


def _within(left: str, edge: str) -> str:
    """The condition that holds up to, or from, the load on the left."""
    right = steps()[left]
    assert right.startswith(f"{edge}(n : ") and right.endswith(")")
    return right.removeprefix(f"{edge}(n : ").removesuffix(")")


def _answer_s(candidate: Candidate, load: float, found: Answer) -> float:
    asked = question(found)
    speed = speed_at(sized_for(candidate, load, asked), load, asked)
    assert speed is not None
    return latency_s(speed, written_tokens(found.workload, found.model))
