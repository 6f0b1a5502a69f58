"""How much load still meets the targets, over all ways to use the cards: a yes at N, a no at N + 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from advisor.compare import load_of
from advisor.decide.judge import serves
from advisor.estimate import estimate, mean_of_peak
from advisor.frozen import replace
from advisor.models.thinking import somebody_waits
from advisor.physics.bisect import narrowed
from advisor.schema import Candidate, Question

MOST_IN_FLIGHT = 100_000
MOST_USERS = 1_000_000


def capacity(ways: Sequence[Candidate], question: Question) -> tuple[int | None, int | None]:
    """The most requests in flight, and the most users, with which one of the ways meets every target.

    None where there is no target to stay within, no end to it, or nobody who would come again (no think time, a rate).

    Args:
        ways: what carries the most first: each of the others is then asked only once.
    """
    workload = question.workload
    if not somebody_waits(workload) or not ways:
        return None, None
    planned = workload.concurrency or 16
    most = _over_all(lambda number: _asked(question, concurrency=number), ways, planned, MOST_IN_FLIGHT)
    if most is None or workload.think_time_s == 0 or workload.request_rate is not None:
        return _ended(most, MOST_IN_FLIGHT), None
    guess = round(load_of(mean_of_peak(most[0], workload), most[1], _asked(question, users=1)))
    users = _over_all(lambda number: _asked(question, users=number), ways, guess, MOST_USERS)
    return _ended(most, MOST_IN_FLIGHT), _ended(users, MOST_USERS)


def _ended(found: tuple[int, Candidate] | None, end: int) -> int | None:
    return None if found is None or found[0] >= end else found[0]


def carries_more(ways: Sequence[Candidate], others: Sequence[Candidate], question: Question) -> bool:
    """Whether one of the ways meets the targets at some larger load at which none of the others does.

    False where the load has no end, or is a rate. Both are asked at the same doubled loads until they part: where one
    still carries what the other does not, more load only takes from both.
    """
    workload = question.workload
    if not somebody_waits(workload) or workload.request_rate is not None:
        return False
    users = workload.concurrency is None
    low, high = workload.concurrency or workload.users, MOST_USERS if users else MOST_IN_FLIGHT
    doubling = True
    while high - low > 1:
        middle = min(2 * low, high) if doubling else (low + high) // 2
        asked = _asked(question, users=middle) if users else _asked(question, concurrency=middle)
        one, other = (carries(group, asked) is not None for group in (ways, others))
        if one != other:
            return one
        if one:
            low = middle
        else:
            high, doubling = middle, False
    return False


def carries(ways: Sequence[Candidate], question: Question) -> Candidate | None:
    """The first of the ways that meets the targets of the question; None: none does."""
    return next((way for way in ways if serves(estimate(way, question), question)), None)


def _asked(question: Question, *, users: int = 1, concurrency: int | None = None) -> Question:
    workload = replace(question.workload, users=users, concurrency=concurrency, request_rate=None)
    return replace(question, workload=workload)


def _over_all(
    ask: Callable[[int], Question], ways: Sequence[Candidate], guess: int, most: int
) -> tuple[int, Candidate] | None:
    """The largest load that one of the ways carries, and which: each is asked for one more than those before it."""
    best: tuple[int, Candidate] | None = None
    for way in ways:
        least = 1 if best is None else best[0] + 1
        if least <= most and (found := _most(ask, way, max(guess, least), least, most)):
            best = found, way
    return best


def _most(ask: Callable[[int], Question], way: Candidate, guess: int, least: int, most: int) -> int | None:
    """The largest load from `least` to `most` that the way carries, from a guess outwards in doubled steps."""

    def carried(load: int) -> bool | None:
        return carries((way,), ask(load)) is not None or None

    if not carried(least):
        return None
    low, step = guess, max(guess // 16, 1)
    if guess > least and not carried(guess):
        while low - step > least and not carried(low - step):
            low, step = low - step, 2 * step
        return narrowed(carried, (max(low - step, least), True), low)[0]
    while low < most:
        above = min(low + step, most)
        if not carried(above):
            return narrowed(carried, (low, True), above)[0]
        low, step = above, 2 * step
    return low
