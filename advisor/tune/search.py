"""Successive halving within a budget: all a little, the better half for longer, the last one in turns with the start.

Where it comes to turns, what is advised is judged by them alone: the best of several looks is partly the luckiest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from advisor.schema import value
from advisor.tune.noise import ENOUGH, better, mean

START = "as planned"
_ROUGH, _FINE = 1.0, 2.0  # how long a load is driven, over the first look's time
_LEAST_TURNS = 2  # that time is kept for
_HOPELESS = 0.9  # of the start's score: what has less after its first look is not looked at again
_SHARE = 1 / 24  # of the budget, for one first look
_LEAST_S, _MOST_S = 3.0, 45.0
Measure = Callable[[str, float, float], float | None]  # name, seconds of load, seconds left → score; None: it failed


@value
class Found:
    """What a search came to."""

    best: str  # `START` where nothing is better beyond noise
    scores: dict[str, tuple[float, ...]]  # of every setting that was tried, in order
    turns: dict[str, tuple[float, ...]]  # of them those of the turns that decided
    failed: tuple[str, ...]
    not_tried: tuple[str, ...]
    because: str  # why it ended
    interrupted: bool = False

    @property
    def gain(self) -> float:
        """Over the start, as a share; 0 where the start stays."""
        known = self.turns if self.turns.get(self.best) else self.scores
        if self.best == START or not mean(known[START]):
            return 0.0
        return mean(known[self.best]) / mean(known[START]) - 1


@dataclass
class Budget:
    """The time there is, and what one run costs beside its load."""

    seconds: float
    clock: Callable[[], float]
    began: float = field(init=False)
    overhead_s: float = 0.0  # the longest seen: start, warm-up and stop

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def left_s(self) -> float:
        """Until it is spent."""
        return self.seconds - (self.clock() - self.began)

    @property
    def look_s(self) -> float:
        """Seconds of load in a first look."""
        return min(max(self.seconds * _SHARE, _LEAST_S), _MOST_S)

    def room_for(self, longer: float, runs: int = 1) -> bool:
        """Whether so many runs end in time, each with a load of so many first looks."""
        return runs * (self.overhead_s + longer * self.look_s) <= self.left_s

    def trials(self, many: int) -> int:
        """How many of so many settings can be tried and halved, and the last one confirmed."""
        return next((number for number in range(many, 0, -1) if self._cost_s(number) <= self.left_s), 0)

    def _cost_s(self, number: int) -> float:
        """Every first look, the rounds of halving, and the turns."""
        longer, half = 2 * _LEAST_TURNS, math.ceil(number / 2)
        while half > 1:
            longer, half = longer + half, math.ceil(half / 2)
        looks = number * _ROUGH + longer * _FINE
        return (number + longer) * self.overhead_s + looks * self.look_s


@dataclass
class Search:
    """One search under way: what is known stays known, also when it is interrupted."""

    measure: Measure
    budget: Budget
    scores: dict[str, list[float]] = field(default_factory=dict)
    turns: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    because: str = ""

    def run(self, names: Sequence[str]) -> Found:
        """Try the settings of these names, the likeliest first. Ctrl-C ends it with what is known."""
        interrupted = False
        try:
            self._search(names)
        except KeyboardInterrupt:
            interrupted, self.because = True, "it was interrupted"
        return Found(
            best=self._best(),
            scores={name: tuple(scores) for name, scores in self.scores.items()},
            turns={name: tuple(scores) for name, scores in self.turns.items()},
            failed=tuple(self.failed),
            not_tried=tuple(name for name in names if name not in self.scores and name not in self.failed),
            because=self.because,
            interrupted=interrupted,
        )

    def _search(self, names: Sequence[str]) -> None:
        if not names:
            self.because = "no change of a setting could be better, as unsure as the prediction is"
            return
        if not self._look(START, _ROUGH):
            self.because = "the plan as it is could not be measured"
            return
        number = self.budget.trials(len(names))
        self.because = "all were tried" if number == len(names) else self._no_room(number)
        rivals = [name for name in names[:number] if self._look(name, _ROUGH)]
        rivals = self._better_half(rivals, first=True)
        while len(rivals) > 1 and self.budget.room_for(_FINE, len(rivals) + 2 * _LEAST_TURNS):
            rivals = self._better_half([name for name in rivals if self._look(name, _FINE)], first=False)
        if rivals:
            self._take_turns(rivals[0])

    def _no_room(self, number: int) -> str:
        if number:
            return "the budget has room for no more"
        run_s = self.budget.overhead_s + self.budget.look_s
        return f"the budget has room for no trial, with {run_s:.0f} s for one run"

    def _better_half(self, rivals: list[str], *, first: bool) -> list[str]:
        """The better half of them, without those that have no chance."""
        start = mean(self.scores[START])
        ordered = sorted(rivals, key=lambda name: -self.scores[name][-1])
        kept = [name for name in ordered if self.scores[name][-1] >= _HOPELESS * start]
        if first and not kept and rivals:
            self.because = "none came near the plan as it is"
        return kept[: math.ceil(len(rivals) / 2)]

    def _take_turns(self, rival: str) -> None:
        """The start and its rival one after the other, in changing order, until it is clear or the time is up."""
        for turn in range(ENOUGH):
            for name in (START, rival) if turn % 2 == 0 else (rival, START):
                if not self._look(name, _FINE, self.turns):
                    return
            if turn and not self._could_be(rival):
                self.because = f"{rival} is no better when both take turns"
                return

    def _could_be(self, rival: str) -> bool:
        return min(self.turns[rival]) > max(self.turns[START])

    def _look(self, name: str, longer: float, kept: dict[str, list[float]] | None = None) -> bool:
        """Measure it once, if the time allows; whether it worked."""
        budget = self.budget
        if not budget.room_for(longer):
            self.because = "the budget is spent"
            return False
        seconds, before = longer * budget.look_s, budget.left_s
        score = self.measure(name, seconds, before)
        budget.overhead_s = max(budget.overhead_s, before - budget.left_s - seconds)
        if score is None:
            self.failed.append(name)
            return False
        for known in (self.scores, *([kept] if kept is not None else [])):
            known.setdefault(name, []).append(score)
        return True

    def _best(self) -> str:
        """The rival that took turns, if it won; before it did, the one that is ahead by more than noise."""
        judged = self.turns if len(self.turns) > 1 else self.scores
        start = judged.get(START, [])
        ahead = [name for name, scores in judged.items() if name not in (START, *self.failed) and better(scores, start)]
        return max(ahead, key=lambda name: mean(judged[name]), default=START)
