"""Every lever before a no: where the usual ways of an engine meet no target, further ones are tried, the best first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from advisor.compare import within_targets
from advisor.decide.judge import answer_s, judge, meets, serves, vetoed
from advisor.decide.pace import too_slow
from advisor.decide.prefer import CLEARLY, precision, rounds
from advisor.engines.base import May, anything
from advisor.estimate import estimate, sized_for, speed_at
from advisor.frozen import replace
from advisor.models.thinking import long_thought
from advisor.physics.memo import by_identity, by_value_and_identity, same
from advisor.propose import engines_for, levers, propose
from advisor.schema import Candidate, Judged, Question


def with_levers(
    judged: Sequence[Judged], question: Question, *, every: bool = True, shown: bool = False, may: May = anything
) -> list[Judged]:
    """What was judged, and further ways of every engine that has no yes on its most precise level.

    Args:
        judged: the usual ways.
        question: the load and the machine.
        every: also of an engine whose yes is less precise, and beside another one's yes.
        shown: where nothing at all is a yes, also further ways that serve people clearly better than the usual ones
            of their engine do: the best service is what a no shows, but not for a hair.
        may: false where a way is known not to meet the targets.
    """
    if not every and any(map(meets, judged)):
        return list(judged)
    found = [
        *judged,
        *(way for name in engines_for(question.workload) for way in _further(name, judged, question, may)),
    ]
    if not shown or any(map(meets, found)):
        return found
    return [*found, *(way for name in engines_for(question.workload) for way in _better(name, judged, question))]


def _better(engine: str, judged: Sequence[Judged], question: Question) -> Iterator[Judged]:
    """Further ways of an engine, of a pair the one with the smaller cache, that answer clearly sooner."""
    usual = [one for one in judged if one.estimate.candidate.engine == engine]
    known = [one.estimate.candidate for one in usual]
    soonest = min((answer_s(one, question) or math.inf for one in usual if not vetoed(one)), default=math.inf)
    for way in smallest(levers(question.hardware, question.workload, question.model, engine), known):
        one = judge(estimate(way, question), question)
        if CLEARLY * (answer_s(one, question) or math.inf) <= soonest:
            yield one


def reachable(question: Question, *, further: bool = True) -> bool:
    """Whether any way of any engine meets the targets: what a verdict would say, and nothing else of it.

    Args:
        further: also look at ways that are tried only where no usual one is a yes.
    """
    usual = propose(question.hardware, question.workload, question.model)
    if any(not misses_alone(way, question) and _meets(way, question) for way in usual):
        return True
    return further and any(_meets(way, question) for way in strongest(question, usual))


def _meets(way: Candidate, question: Question) -> bool:
    return not too_slow(way, question) and serves(estimate(way, question), question)


def strongest(question: Question, known: Iterable[Candidate], *names: str, may: May = anything) -> Iterator[Candidate]:
    """Further ways of these engines, or all, that may carry more than the known ones: of each, the smallest cache.

    Args:
        question: the load and the machine.
        known: ways that are not wanted again.
        names: engines; all where none is named.
        may: false where a way is known not to carry the load.
    """
    for name in names or engines_for(question.workload):
        further = levers(question.hardware, question.workload, question.model, name, may)
        yield from (way for way in smallest(further, known) if worth_trying(way, question))


def smallest(further: Sequence[Candidate], known: Iterable[Candidate]) -> Iterator[Candidate]:
    """Of ways that differ in nothing else the one with the smallest cache, where it is not known."""
    seen = {_identity(way) for way in known}
    for plain, smaller in _pairs(further):
        way = smaller or plain
        if _identity(way) not in seen:
            yield way


def every_way(known: Sequence[Candidate], question: Question, *names: str) -> list[Candidate]:
    """The known ways, then whatever of these engines, or all, meets the targets with a single request."""
    return [*known, *strongest(same(_for_one(question)), known, *names)]


def _further(engine: str, judged: Sequence[Judged], question: Question, may: May) -> Iterator[Judged]:
    """Ways of each precision, from the best down to the first with a yes; of each level the first that meets."""
    usual = [one for one in judged if one.estimate.candidate.engine == engine]
    known = {_identity(one.estimate.candidate) for one in usual}
    yes = min((precision(one.estimate.candidate, question) for one in usual if meets(one)), default=99)
    if yes == 0:
        return
    made = list(_pairs(levers(question.hardware, question.workload, question.model, engine, may)))
    made.sort(key=lambda pair: precision(pair[0], question))
    for level, group in groupby(made, key=lambda pair: precision(pair[0], question)):
        if level >= yes:
            return
        found = [
            one for pair in group for one in _meeting(pair, question) if _identity(one.estimate.candidate) not in known
        ]
        yield from found
        if found:
            return


def _meeting(pair: tuple[Candidate, Candidate | None], question: Question) -> Iterator[Judged]:
    """Those of a way and of the same with a smaller cache that meet the targets; the smaller one carries more."""
    plain, smaller = pair
    for way in (smaller, plain) if smaller else (plain,):
        if not worth_trying(way, question):
            return
        judged = judge(estimate(way, question), question)
        if not meets(judged):
            return
        yield judged


def _pairs(ways: Sequence[Candidate]) -> Iterator[tuple[Candidate, Candidate | None]]:
    """Each way, and beside it the same with a rounded KV cache."""
    small = {replace(_identity(way), kv_cache_dtype=""): way for way in ways if rounds(way)}
    whole = {replace(_identity(way), kv_cache_dtype=""): way for way in ways if not rounds(way)}
    for key, way in whole.items():
        yield way, small.get(key)
    yield from ((way, None) for key, way in small.items() if key not in whole)


def _identity(way: Candidate) -> Candidate:
    """The way without its slots, which follow from the load."""
    return replace(way, max_in_flight=1, max_batched_tokens=1)


def worth_trying(way: Candidate, question: Question) -> bool:
    """Whether it is predicted, a single request would meet the targets, and the load might."""
    return _alone(way, question) is True and not too_slow(way, question)


def misses_alone(way: Candidate, question: Question) -> bool:
    """What a single request misses, many do."""
    return _alone(way, question) is False


@by_identity
def _for_one(question: Question) -> Question:
    """The same asked for one person."""
    one = replace(question.workload, users=1, burst_users=0, concurrency=None, request_rate=None)
    return replace(question, workload=one)


@by_value_and_identity
def _alone(way: Candidate, question: Question) -> bool | None:
    """Whether one person's request would meet the targets; None: not predicted.

    One person's only: with a slot of one, others' conversations would push out what slots for all of them keep.
    """
    alone = _for_one(question)
    speed = speed_at(sized_for(way, 1, alone), 1, alone)
    if speed is None:
        return None
    thought = long_thought(question.workload, question.model)
    return within_targets(speed.ttft_p95_s.expected, speed.tpot_p95_s.expected, question.workload, thought)
