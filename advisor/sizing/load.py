"""How much load a way carries: the last number that is a yes, asked again one further on; and what says no there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from advisor.decide.capacity import carries
from advisor.decide.judge import judge, misses, vetoed
from advisor.estimate import estimate
from advisor.models.thinking import somebody_waits
from advisor.physics.bisect import narrowed
from advisor.schema import Candidate, Judged, Question, Workload, value
from advisor.sizing.carrying import carrying
from advisor.sizing.ceiling import Ceiling

MOST = 1_000_000
_KEPT = 0.95  # below it enough is read again to be what is waited for
_PARTS = 100  # of the planned rate that a rate is counted in


@value
class Scale:
    """The load as a whole number: people, requests in flight, or hundredths of the planned rate."""

    key: Literal["users", "concurrency", "request_rate"]
    planned: int

    def asked(self, question: Question, number: int) -> Question:
        """The same question for so much."""
        load = question.workload
        told: dict[str, float] = {self.key: number}
        if self.key == "request_rate":
            told = {self.key: (load.request_rate or 0.0) * number / _PARTS}
        return replace(question, workload=replace(load, **told))  # type: ignore[arg-type]

    def told(self, number: int, workload: Workload) -> float:
        """The number in the unit of the question."""
        return (workload.request_rate or 0.0) * number / _PARTS if self.key == "request_rate" else number


def scale_of(workload: Workload) -> Scale:
    """What the load is counted in."""
    if workload.request_rate is not None:
        return Scale(key="request_rate", planned=_PARTS)
    if workload.concurrency is not None:
        return Scale(key="concurrency", planned=workload.concurrency)
    return Scale(key="users", planned=workload.users)


def most_of(candidate: Candidate, question: Question, known: int) -> int | None:
    """The most that one plan carries, from a number that it is known to carry; None: no end."""
    scale = scale_of(question.workload)
    return _most(lambda number: carries((candidate,), scale.asked(question, number)) is not None, known)


def most_over_all(question: Question, known: int) -> int | None:
    """The most that these machines carry with any engine, format and setting: a yes there, a no one further on.

    Args:
        known: a number that they are known to carry.
    """
    scale, most = scale_of(question.workload), known
    while (way := _carrying(scale.asked(question, most + 1))) is not None:
        further = most_of(way, question, most + 1)
        if further is None:
            return None
        most = further
    return most


def last_way(question: Question, most: int, planned: Candidate) -> Candidate:
    """What carries the most: the planned way where it does, else another engine, format or layout."""
    asked = scale_of(question.workload).asked(question, most)
    return carries((planned,), asked) or _carrying(asked) or planned


def _carrying(question: Question) -> Candidate | None:
    """A way that carries it, those left out that certainly do not."""
    return carrying(question, may=Ceiling(question).allows)


def has_end(question: Question) -> bool:
    """Whether more load ever makes it a no."""
    return somebody_waits(question.workload)


def _most(holds: Callable[[int], bool], known: int) -> int | None:
    step, low = 1, known
    while holds(low + step):
        low, step = low + step, 2 * step
        if low > MOST:
            return None
    return narrowed(lambda number: holds(number) or None, (low, True), low + step)[0]


def binds(candidate: Candidate, question: Question, most: int) -> str:
    """What says no to one more: the target that is missed, or what refuses the plan, and what the step is bound by."""
    scale = scale_of(question.workload)
    beyond = judge(estimate(candidate, scale.asked(question, most + 1)), scale.asked(question, most + 1))
    told = [finding.message for finding in misses(beyond)]
    if not told and vetoed(beyond):
        told = [finding.message for finding in beyond.findings if finding.severity in ("CRASH", "OOM", "SILENT")][:1]
    bound = _bound(beyond) if beyond.estimate.peak_speed else ""
    return "; ".join(filter(None, (*told, bound)))


def _bound(beyond: Judged) -> str:
    """What the step is bound by; where it is only the first token that is late, and for lost caches, those."""
    speed, missed = beyond.estimate.peak_speed, {finding.rule for finding in misses(beyond)}
    if speed is None:
        return ""
    if missed == {"SPD201"} and speed.kept_share < _KEPT:
        return f"bound by memory for the caches of conversations that pause: {speed.kept_share:.0%} of them are kept"
    return f"bound by {_BOUNDS[speed.bound]}"


_BOUNDS = {
    "bandwidth": "memory bandwidth",
    "compute": "compute",
    "overhead": "the host between steps",
    "kv": "memory for the KV cache",
    "slots": "slots",
    "load": "the load itself",
}
