"""Whether machines carry a load: what a verdict would say, the ways asked first that carried it on others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from advisor.decide.capacity import carries
from advisor.decide.pace import too_slow
from advisor.decide.reach import misses_alone, smallest, strongest
from advisor.engines.base import May, anything
from advisor.propose import engines_for, levers, propose
from advisor.propose.over_nodes import fullest, on_fewest, times
from advisor.schema import Candidate, Question
from advisor.verdict import roomy

Likely = dict[tuple[object, ...], int]  # kind of way → how often it carried


class Repeated:
    """The ways on one machine that several like it may repeat, and those cut over the fewest of them that hold one."""

    def __init__(self, one: Question, likely: Likely, may: May, ever: May) -> None:
        """Of one machine.

        Args:
            one: the question about it.
            likely: as for `carrying`.
            may: as for `carrying`.
            ever: false where a way certainly carries the load on no number of them.
        """
        one, self._likely, self._may = roomy(one), likely, may
        asked = one.hardware, one.workload, one.model
        usual = propose(*asked)
        all_cards = len(one.hardware.accelerators)

        def full(way: Candidate) -> bool:
            return len(way.gpu_indices) == all_cards and ever(way)  # with fewer it is one of smaller machines

        further = [
            way
            for name in engines_for(one.workload)
            for way in levers(*asked, name, full) or fullest(levers(*asked, name, ever))
        ]
        cut = filter(ever, on_fewest(usual, one.hardware, one.model))
        self._ways = dict.fromkeys([*cut, *smallest(further, usual)])

    def on(self, nodes: int) -> dict[Candidate, Candidate]:
        """The ways that might carry it with every one of so many machines, and what each of them repeats."""
        able = ((each, times(each, nodes // each.nodes)) for each in self._ways if nodes % each.nodes == 0)
        return {way: each for each, way in able if self._may(way)}

    def carrying(self, question: Question) -> Candidate | None:
        """A way that meets the targets with every one of several machines; those with fewer were asked before.

        A request comes to one of the machines, and the more there are the less it finds in its cache: what is too slow
        for a single one is so on more machines.
        """
        question = roomy(question)
        able = self.on(question.hardware.nodes)
        for way in _ranked(able, self._likely):
            if misses_alone(way, question):
                del self._ways[able[way]]
            elif _carries(way, question, self._likely):
                return way
        return None


def carrying(question: Question, likely: Likely | None = None, may: May = anything) -> Candidate | None:
    """A way of any engine that meets the targets with all machines of the question; None: there is none.

    Args:
        likely: kinds of ways that carried before; the one that is found is counted.
        may: false where a way is known not to carry it.
    """
    question, known = roomy(question), {} if likely is None else likely
    usual = propose(question.hardware, question.workload, question.model)
    ranked = _ranked(filter(may, usual), known)
    ways = chain(ranked, strongest(question, usual, may=may))
    return next((way for way in ways if _carries(way, question, known)), None)


def _ranked(ways: Iterable[Candidate], likely: Likely) -> list[Candidate]:
    """What carried most often first."""
    return sorted(ways, key=lambda way: -likely.get(_kind(way), 0))


def _carries(way: Candidate, question: Question, likely: Likely) -> bool:
    """Whether it meets the targets; then it is counted."""
    if misses_alone(way, question) or too_slow(way, question) or carries((way,), question) is None:
        return False
    likely[_kind(way)] = likely.get(_kind(way), 0) + 1
    return True


def _kind(way: Candidate) -> tuple[object, ...]:
    """What ways on several numbers of different cards have in common."""
    return way.engine, way.weights_format, way.kv_cache_dtype, way.tensor_parallel == 1, way.replicas == 1
