"""Whether machines carry a load: what a verdict would say, the ways asked first that carried it on others."""

from __future__ import annotations

from itertools import chain

from advisor.decide.capacity import carries
from advisor.decide.pace import too_slow
from advisor.decide.reach import strongest
from advisor.engines.base import May, anything
from advisor.propose import propose
from advisor.schema import Candidate, Question
from advisor.verdict import roomy

Likely = dict[tuple[object, ...], int]  # kind of way → how often it carried


def carrying(question: Question, likely: Likely | None = None, may: May = anything) -> Candidate | None:
    """A way of any engine that meets the targets with all machines of the question; None: there is none.

    Args:
        likely: kinds of ways that carried before; the one that is found is counted.
        may: false where a way is known not to carry it.
    """
    question, known = roomy(question), {} if likely is None else likely
    usual = propose(question.hardware, question.workload, question.model)
    ranked = sorted(filter(may, usual), key=lambda way: -known.get(_kind(way), 0))
    for way in chain(ranked, strongest(question, usual, may=may)):
        if not too_slow(way, question) and carries((way,), question) is not None:
            known[_kind(way)] = known.get(_kind(way), 0) + 1
            return way
    return None


def _kind(way: Candidate) -> tuple[object, ...]:
    """What ways on several numbers of different cards have in common."""
    return way.engine, way.weights_format, way.kv_cache_dtype, way.tensor_parallel == 1, way.replicas == 1
