"""One model on one machine for one workload: `propose -> estimate -> decide`, as every search calls it."""

from __future__ import annotations

from dataclasses import replace

from advisor.decide import decide, misses
from advisor.engines.base import May, anything
from advisor.engines.beside import with_reserve
from advisor.estimate import estimate
from advisor.physics.memo import same
from advisor.propose import propose
from advisor.schema import Question, Verdict


def verdict_for(
    question: Question,
    *,
    depth: bool = True,
    limits: bool = True,
    quick: bool = False,
    shown: bool = False,
    may: May = anything,
) -> Verdict:
    """The verdict for a named model; `depth=False` leaves out curve, crossover and capacity, `limits=False` only that.

    With `quick`, a plan that meets the targets need not be the most precise one. With `shown`, as with `depth`, a no
    shows what serves people best of all ways there are. `may` is false where a further way is known not to meet them.

    Several machines are looked at only where one of them is not enough.
    """
    question = roomy(question)
    if question.hardware.nodes == 1:
        return _decided(question, depth=depth, limits=limits, quick=quick, shown=shown, may=may)
    alone = replace(question, hardware=same(replace(question.hardware, nodes=1)))
    first = _decided(alone, depth=False, quick=quick, may=may)
    if first.meets_targets:
        return _decided(alone, depth=depth, limits=limits, may=may) if depth else first
    one_node = _shortcoming(first)
    return _decided(question, depth=depth, limits=limits, quick=quick, shown=shown, one_node=one_node, may=may)


def roomy(question: Question) -> Question:
    """The question with room on its machine for what runs beside the model: another machine has none set aside yet."""
    kept = with_reserve(question.hardware, question.workload)
    return question if kept is question.hardware else replace(question, hardware=kept)


def _decided(
    question: Question,
    *,
    depth: bool,
    limits: bool = True,
    quick: bool = False,
    shown: bool = False,
    one_node: str = "",
    may: May = anything,
) -> Verdict:
    candidates = propose(question.hardware, question.workload, question.model)
    estimates = [estimate(candidate, question) for candidate in candidates]
    return decide(estimates, question, depth=depth, limits=limits, quick=quick, shown=shown, one_node=one_node, may=may)


def _shortcoming(verdict: Verdict) -> str:
    """Why one machine is not enough: what its best way misses, or what refuses each engine's closest one."""
    if verdict.winner is not None:
        return "; ".join(finding.message for finding in misses(verdict.winner))
    told: dict[str, str] = {}
    for judged in verdict.losers:
        told.setdefault(judged.estimate.candidate.engine, judged.why_lost.partition(": ")[2])
    return "; ".join(dict.fromkeys(told.values()))
