"""How many one machine serves with each engine, what stops it there, and what one change would give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, islice

from advisor.decide import misses
from advisor.models.thinking import written_tokens
from advisor.probe.named import alike
from advisor.propose import engines_for
from advisor.schema import MOST_A_HOST, Judged, Question, Workload, value
from advisor.search.more import stays_alone
from advisor.search.nearest import SINGLES, pairs
from advisor.search.step import Step, asking, changed, on
from advisor.sizing.load import Scale, binds, has_end, most_of, most_over_all
from advisor.verdict import verdict_for

_LOOSER = 2.0  # a target that stops it, in a change
_RESCUES = 3  # changes that are looked at where nobody is served


@value
class Change:
    """One change of machine or question, and the most that it then serves."""

    change: str
    most: int | None  # None: no end


@value
class Served:
    """What one engine serves within the targets; None: no end to it."""

    engine: str
    users: int | None
    in_flight: int | None
    binds: str
    plan: Judged | None  # at the most; None: not even one
    changes: tuple[Change, ...]  # that serve more, the best first

    @property
    def next_change(self) -> Change | None:
        """The one that gives the most."""
        return self.changes[0] if self.changes else None


def served(question: Question, progress: Callable[[str], None] = lambda _: None) -> tuple[Served, ...]:
    """By engine, the load left aside that the question brings: it is what is asked for."""
    found = []
    for name in engines_for(question.workload):
        progress(f"how many {name} serves")
        found.append(_served(asking(question, engine=name)))
    return tuple(found)


def _served(question: Question) -> Served:
    people = question.workload.think_time_s > 0
    key: Scale = Scale(key="users" if people else "concurrency", planned=1)
    most, plan = _last(question, key)
    flight = _last(question, Scale(key="concurrency", planned=1))[0] if people else most
    if plan is None:
        return Served(engine=question.workload.engine, users=0, in_flight=0, binds=_refused(question), plan=None,
                      changes=_changes(question, key, 0))  # fmt: skip
    return Served(
        engine=question.workload.engine,
        users=most if people else None,
        in_flight=flight,
        binds=binds(plan.estimate.candidate, _counted(question, key, 1), most) if most else "",
        plan=plan,
        changes=_changes(question, key, most) if most is not None else (),
    )


def _counted(question: Question, key: Scale, number: int) -> Question:
    """The question for so many, by that key alone."""
    plain = asking(question, users=1, concurrency=None, request_rate=None, staff=None, burst_users=0)
    return key.asked(plain, number)


def _last(question: Question, key: Scale) -> tuple[int | None, Judged | None]:
    """The most that is served, and the plan there; 0 and None where not even one is, None where there is no end."""
    one = _counted(question, key, 1)
    first = verdict_for(one, depth=False, quick=True)
    if not first.meets_targets or first.winner is None:
        return 0, None
    if not has_end(one):
        return None, first.winner
    guess = most_of(first.winner.estimate.candidate, one, 1)
    most = None if guess is None else most_over_all(_counted(question, key, guess), guess)
    if most is None:
        return None, first.winner
    return most, verdict_for(_counted(question, key, most), depth=False, quick=True).winner


def _refused(question: Question) -> str:
    """Why not even one person is served: the missed target, or what the verdict says."""
    verdict = verdict_for(_counted(question, Scale(key="concurrency", planned=1), 1), depth=False)
    if verdict.winner is not None:
        return "; ".join(finding.message for finding in misses(verdict.winner))
    return verdict.summary


def _changes(question: Question, key: Scale, most: int) -> tuple[Change, ...]:
    """Each change that serves more; where nobody is served, the least painful ones after which somebody is."""
    steps = _steps(question) if most else _rescues(question, key)
    found = [Change(change=step.change, most=_last(step.question, key)[0]) for step in steps]
    more = [change for change in found if change.most is None or change.most > most]
    return tuple(sorted(more, key=lambda change: -(change.most if change.most is not None else 10**9)))


def _rescues(question: Question, key: Scale) -> Iterator[Step]:
    """What turns the no for a single one into a yes: one change, else two; none that leaves the engine."""
    one = _counted(question, key, 1)
    single = chain.from_iterable(search(one) for search in SINGLES)
    for steps in (single, pairs(one)):
        found = list(islice((s for s in steps if s.question.workload.engine == question.workload.engine), _RESCUES))
        yield from found
        if found:
            return


def _steps(question: Question) -> Iterator[Step]:
    """More cards, other weights, a shorter context, slower answers."""
    hardware, workload = question.hardware, question.workload
    cards = hardware.accelerators
    if cards and not stays_alone(cards[0]) and len({card.name for card in cards}) == 1:
        number = 2 * len(cards)
        if number <= MOST_A_HOST:
            grown = replace(hardware, accelerators=alike(cards[0], number), disk_free_bytes=None)
            yield Step(change=f'--gpu "{number}x {cards[0].name}"', question=on(question, grown))
    if workload.quantization != "auto":
        yield changed(question, quantization="auto")
    least = workload.input_tokens + written_tokens(workload, question.model)
    shorter = max(workload.context_tokens // 2, least)
    if shorter < workload.context_tokens:
        yield changed(question, context_tokens=shorter)
    yield from _looser(question, workload)


def _looser(question: Question, workload: Workload) -> Iterator[Step]:
    for name in ("ttft_ms", "tpot_ms"):
        target: float | None = getattr(workload, name)
        if target is not None:
            yield changed(question, **{name: _LOOSER * target})
