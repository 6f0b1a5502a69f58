"""Successive halving: it ends in time, never advises below the start, and Ctrl-C keeps the best that is sure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.tune.noise import better
from advisor.tune.search import START, Budget, Found, Search

NAMES = [f"setting {number}" for number in range(12)]


@dataclass
class Pretended:
    """An engine of known speed and noise, and the clock that its runs move on."""

    speeds: Mapping[str, float]
    noise: float = 0.0
    overhead_s: float = 5.0
    seed: int = 0
    fails: frozenset[str] = frozenset()
    interrupted_at: int | None = None  # the run that Ctrl-C ends
    now: float = 1000.0
    runs: list[str] = field(default_factory=list)

    def measure(self, name: str, seconds: float, left_s: float) -> float | None:
        """One run: longer ones are less noisy."""
        if self.interrupted_at == len(self.runs):
            raise KeyboardInterrupt
        assert left_s > 0
        self.runs.append(name)
        self.now += self.overhead_s + seconds
        if name in self.fails:
            return None
        dice = random.Random(f"{self.seed}/{len(self.runs)}")
        return self.speeds[name] * dice.uniform(1 - self.noise, 1 + self.noise)

    def search(self, budget_s: float) -> Found:
        """What comes of it."""
        names = [name for name in self.speeds if name != START]
        return Search(self.measure, Budget(seconds=budget_s, clock=lambda: self.now)).run(names)


def speeds_of(several: list[float]) -> dict[str, float]:
    """The start gives 100."""
    return {START: 100.0, **dict(zip(NAMES, several, strict=False))}


SPEEDS = st.lists(st.floats(20, 300), max_size=12).map(speeds_of)


@given(speeds=SPEEDS, noise=st.floats(0, 0.1), seed=st.integers(0, 10**6), budget=st.floats(60, 7200),
       overhead=st.floats(0, 90))  # fmt: skip
def test_it_ends_within_its_budget(
    speeds: Mapping[str, float], noise: float, seed: int, budget: float, overhead: float
) -> None:
    """No run is begun that would end after the time, but for the first, whose cost nobody knows."""
    engine = Pretended(speeds, noise, overhead, seed)
    found = engine.search(budget)
    assert engine.now - 1000 <= max(budget, overhead + 45) + 1e-6
    assert found.because


@given(speeds=SPEEDS, noise=st.floats(0, 0.0145), seed=st.integers(0, 10**6), budget=st.floats(60, 3600),
       interrupted=st.none() | st.integers(0, 30))  # fmt: skip
def test_it_never_advises_below_the_start(
    speeds: Mapping[str, float], noise: float, seed: int, budget: float, interrupted: int | None
) -> None:
    """Whatever the time and whenever it is interrupted: what is advised is no slower than what was planned."""
    found = Pretended(speeds, noise, seed=seed, interrupted_at=interrupted).search(budget)
    assert speeds[found.best] >= 100
    assert found.gain >= 0 and (found.best == START) == (found.gain == 0)


@pytest.mark.parametrize("budget", [300, 3600])
def test_noise_seldom_makes_a_setting_better(budget: float) -> None:
    """On an engine that is off by ten percent each time, what is slower by three is advised in one of fifty searches."""
    slower = speeds_of([97.0] * 5)
    advised = [Pretended(slower, 0.1, seed=seed).search(budget).best != START for seed in range(500)]
    assert sum(advised) <= 10


@given(speeds=SPEEDS, seed=st.integers(0, 10**6))
def test_what_is_clearly_better_is_found(speeds: dict[str, float], seed: int) -> None:
    """With time for all, a setting that gives half as much again is found, and no other that gives less than it does."""
    speeds = {name: min(speed, 110.0) for name, speed in speeds.items()} | {NAMES[0]: 150.0}
    found = Pretended(speeds, 0.02, seed=seed).search(3600)
    assert found.best == NAMES[0] and found.gain == pytest.approx(0.5, abs=0.06)
    assert not found.not_tried


def test_what_decides_are_turns() -> None:
    """The last one and the start are measured in turns, neither always first; first looks do not count there."""
    engine = Pretended(speeds_of([120, 90, 130, 100]), 0.02)
    found = engine.search(1800)
    assert found.best == NAMES[2] and engine.runs[-6:] == [START, NAMES[2], NAMES[2], START, START, NAMES[2]]
    assert set(found.turns) == {START, NAMES[2]} and all(len(scores) == 3 for scores in found.turns.values())
    assert len(found.scores[NAMES[2]]) > 3


@pytest.mark.parametrize("run", range(1, 13))
def test_ctrl_c_keeps_the_best(run: int) -> None:
    """From the first look at it on, a setting twice as fast is kept; before, the plan stays."""
    engine = Pretended(speeds_of([101, 200, 99, 105]), 0.02, interrupted_at=run)
    found = engine.search(1800)
    assert found.best == (NAMES[1] if NAMES[1] in engine.runs else START)
    assert found.interrupted and "interrupted" in found.because


def test_a_setting_that_fails_is_left_out() -> None:
    """An engine that does not start with it is no reason to stop; one that does not start as planned is."""
    speeds = speeds_of([300, 150])
    found = Pretended(speeds, fails=frozenset({NAMES[0]})).search(1800)
    assert found.best == NAMES[1] and found.failed == (NAMES[0],)
    nothing = Pretended(speeds, fails=frozenset({START})).search(1800)
    assert nothing.best == START and not nothing.scores and "could not be measured" in nothing.because


def test_where_nothing_could_be_better_nothing_is_started() -> None:
    """A plan whose prediction leaves nothing to be gained stays as it is, at once."""
    engine = Pretended(speeds_of([]))
    assert engine.search(600).best == START and not engine.runs


def test_the_likeliest_are_tried_first() -> None:
    """A budget that has room for some tries the first of them, and names the others."""
    engine = Pretended(speeds_of([90.0] * 12), overhead_s=60)
    found = engine.search(1500)
    tried = [name for name in dict.fromkeys(engine.runs) if name != START]
    assert tried == NAMES[: len(tried)] and 0 < len(tried) < 12
    assert found.not_tried == tuple(NAMES[len(tried) :])


@given(st.lists(st.floats(50, 60), min_size=1, max_size=4), st.lists(st.floats(50, 60), min_size=1, max_size=4))
def test_of_two_rows_at_most_one_is_better(one: list[float], other: list[float]) -> None:
    """Better has a direction, needs scores of both, and what is better once stays so with a lower rival."""
    assert not (better(one, other) and better(other, one))
    assert not better(one, []) and not better([], other)
    assert not better(one, other) or better(one, [score / 2 for score in other])
