"""What people get from servers that share cards while all of them answer: each was planned as if the others were idle.

Two engines on one card take turns: until a token of the one is there, the other has made one as well, and a prompt
waits for a prompt. So that a yes holds, every wait is taken as long as its own and those of the others together. A
server that is asked so seldom that the 95th percentile does not meet it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.frozen import replace
from advisor.migrate.moved import Moved
from advisor.migrate.room import Room
from advisor.rules.speed import awaited
from advisor.schema import Plan, Speed
from advisor.units import ms

SELDOM = 0.05  # of the time with a request in flight: what the 95th percentile leaves out


def judged_together(moved: Sequence[Moved], rooms: Mapping[str, Room]) -> tuple[Moved, ...]:
    """Each with what it misses while those on its cards answer too."""
    return tuple(replace(one, crowded=_crowded(one, moved, rooms)) for one in moved)


def _crowded(one: Moved, moved: Sequence[Moved], rooms: Mapping[str, Room]) -> str:
    speed = _speed(one.plan)
    beside = [other for other in moved if other is not one and _meet(one, other, rooms)]
    if one.plan is None or speed is None or not beside:
        return ""
    others = [found for found in (_speed(other.plan) for other in beside) if found is not None]
    told = [
        f"{what} at the 95th percentile up to {ms(seconds)}, target {ms(target / 1000)}"
        for what, seconds, target in _figures(one.plan, speed, others)
        if target is not None and seconds * 1000 > target
    ]
    names = " and ".join(each.name for each in beside)
    return f"while {names} answer{'s' if len(beside) == 1 else ''} too: {'; '.join(told)}" if told else ""


def _figures(plan: Plan, speed: Speed, others: Sequence[Speed]) -> Iterator[tuple[str, float, float | None]]:
    """What is waited for, seconds with all of them at work, and the target in milliseconds."""
    first = speed.ttft_p95_s.expected + sum(each.ttft_p95_s.expected for each in others)
    asked = plan.workload
    yield awaited(asked), first, asked.ttft_ms
    if not asked.pooled:
        token = speed.tpot_p95_s.expected + sum(each.tpot_p95_s.expected for each in others)
        yield "time per output token", token, asked.tpot_ms


def _meet(one: Moved, other: Moved, rooms: Mapping[str, Room]) -> bool:
    """Whether both have a plan on the same cards, or both on none, and the other is asked often enough."""
    if one.plan is None or other.plan is None or other.plan.estimate.in_flight < SELDOM:
        return False
    if one.plan.estimate.candidate.device != other.plan.estimate.candidate.device:
        return False
    mine, theirs = (rooms.get(each.name, Room()).cards for each in (one, other))
    return not mine or not theirs or bool(set(mine) & set(theirs))


def _speed(plan: Plan | None) -> Speed | None:
    return plan.estimate.peak_speed if plan else None
