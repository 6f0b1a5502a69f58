"""Machines that certainly are too few: what no engine, format or layout on them exceeds is less than the load asks for.

One card of a kind is made ready once for each format; every number of cards, replicas and machines follows from it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from advisor.decide.pace import longest_s
from advisor.physics.bisect import largest
from advisor.physics.speed.ceiling import Best
from advisor.propose import engines_for
from advisor.schema import MOST_NODES, Candidate, Question
from advisor.sizing.reach import Reach, Split

_SURE = 0.6  # of the cards' memory: what else an engine takes of it is less


class Ceiling:
    """What a number of cards of one kind cannot exceed under one load: of a machine that was named, and others like it.

    Of a machine that is there, where cards are held in part and speeds were measured, nothing is said; nor of several
    kinds of cards in one.
    """

    def __init__(self, question: Question) -> None:
        load, machine = question.workload, question.hardware
        self._heads, self._most = question.model.heads, len(machine.accelerators)
        equal = machine.source == "simulated" and len({card.name for card in machine.accelerators}) == 1
        asked = load.request_rate is not None or longest_s(load, question.model) is not None
        found = _best(question) if equal and asked else None
        self._known, self._best = found is not None, found or ()
        self._reach = Reach(question, self._best)
        self._number = {_kind(best): number for number, best in enumerate(self._best)}
        self._leading = _leading(self._best)
        self._over = functools.cache(self._cut_over)
        self._layouts = functools.cache(self._laid_out)

    def reaches(self, cards: int, hosts: int) -> bool:
        """Whether so many machines with so many cards might carry the load; False is certain."""
        return self._within(cards, hosts, hosts)

    def _within(self, cards: int, fewest: int, most: int) -> bool:
        """Whether any number of machines between these might."""
        return not self._known or any(self._fleet(number, cards, fewest, most) for number in self._leading)

    def allows(self, way: Candidate) -> bool:
        """Whether a way on these cards might carry the load; False is certain."""
        found = self._placed(way)
        return found is None or self._reach.enough(*found, way.replicas)

    def ever(self, way: Candidate) -> bool:
        """Whether it might on any number of machines; False is certain."""
        found = self._placed(way)
        return found is None or self._reach.ever(*found)

    def _placed(self, way: Candidate) -> tuple[int, Split] | None:
        """Its number here and its split; None where nothing is known of it."""
        number = self._number.get((way.engine, way.weights_format, way.kv_cache_dtype))
        if number is None:
            return None
        if self._best[number].shared:
            return number, (way.tensor_parallel, way.pipeline_parallel)
        return number, (1, max(len(way.gpu_indices), 1))

    def least(self, first: int, most: int) -> int | None:
        """The fewest cards in one machine that might, from `first` to `most`; None: no number."""
        return next((cards for cards in range(first, most + 1) if self.reaches(cards, 1)), None)

    def machines(self, cards: int, first: int, stop: int) -> int | None:
        """The fewest machines with so many cards that might, from `first` to below `stop`; None: no number.

        More may be less, as each finds less in its cache: a range is left out where its most machines, each with its
        cache as warm as that of the fewest, are too few.
        """
        if stop <= first or not self._within(cards, first, stop - 1):
            return None
        if stop == first + 1:
            return first
        middle = min(2 * first, (first + stop) // 2)
        lower = self.machines(cards, first, middle)
        return self.machines(cards, middle, stop) if lower is None else lower

    def pooled(self, first: int, most: int) -> int | None:
        """The fewest cards that might, in whatever machines: none of them leaves a card over; None: no number."""
        if not self._known:
            return first if first <= most else None
        fewer = largest(lambda cards: not any(self._pool(number, cards) for number in self._leading), most)
        return max(first, fewer + 1) if fewer < most else None

    def _pool(self, number: int, cards: int) -> bool:
        """As many replicas as there are cards for, be it a part of one, each with its cache as warm as that of one.

        More cards in stages are no worse for each of them.
        """
        best, most = self._best[number], self._most
        if not best.shared:
            return self._reach.enough(number, (1, most), cards, at_least=1)
        sizes = [(size, size) for size in range(1, most + 1)]
        sizes += [(most * over, most) for over in self._over(number, most)]
        return any(
            self._reach.enough(number, split, cards / size, at_least=1)
            for size, in_one in sizes
            for split in self._splits(size, in_one)
        )

    def _cut_over(self, number: int, cards: int) -> tuple[int, ...]:
        """Over how many machines a replica may be cut, because fewer do not hold it: none once they surely do."""
        best = self._best[number]
        surely = (
            over
            for over in range(1, MOST_NODES + 1)
            if over * cards * best.card_bytes * (1 - _SURE) > best.weights_bytes + best.sequence_bytes
        )
        return tuple(range(2, next(surely, MOST_NODES) + 1))

    def _fleet(self, number: int, cards: int, fewest: int, hosts: int) -> bool:
        """As many replicas as there is room for, of each size; what one machine may not hold, over all of them.

        Or a single replica: each further one finds less in its cache.
        """
        return any(
            self._reach.enough(number, split, 1)
            or self._reach.enough(number, split, each * (hosts // over), at_least=each * max(fewest // over, 1))
            for split, each, over in self._layouts(number, cards)
            if over <= hosts
        )

    def _laid_out(self, number: int, cards: int) -> tuple[tuple[Split, int, int], ...]:
        """Each split that holds a request, how many replicas of it, and in how many machines."""
        if not self._best[number].shared:
            found = [((1, cards), 1, 1)]
        else:
            sizes = [(size, size, cards // size, 1) for size in range(1, cards + 1)]
            sizes += [(cards * over, cards, 1, over) for over in self._over(number, cards)]
            found = [(split, each, over) for size, most, each, over in sizes for split in self._splits(size, most)]
        return tuple(one for one in found if self._reach.holds(number, one[0]))

    def _splits(self, cards: int, most: int) -> list[Split]:
        """Ranks and stages of one replica over so many cards, of which `most` are in one machine."""
        return [(rank, cards // rank) for rank in range(1, most + 1) if cards % rank == 0 and self._heads % rank == 0]


def _kind(best: Best) -> tuple[str, str, str]:
    return best.engine, best.weights_format, best.kv_cache_dtype


def _leading(every: Sequence[Best]) -> tuple[int, ...]:
    """Of each format the smallest cache, which carries what the others do."""
    ranked = sorted(range(len(every)), key=lambda number: -every[number].sequence_bytes)
    return tuple(sorted({_kind(every[number])[:2]: number for number in ranked}.values()))


def _best(question: Question) -> tuple[Best, ...] | None:
    """Of all engines; None where one of them does not say."""
    found = [
        engine.best(question.hardware, question.workload, question.model)
        for engine in engines_for(question.workload).values()
    ]
    return None if None in found else tuple(best for group in found for best in group or ())
