"""Machines that certainly are too few: what no engine, format or layout on them exceeds is less than the load asks for.

One card of a kind is made ready once for each format; every number of cards, replicas and machines follows from it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from advisor.decide.pace import longest_s
from advisor.estimate import history_tokens, peak_in_flight
from advisor.models.thinking import written_tokens
from advisor.physics.bisect import largest, narrowed
from advisor.physics.speed.ceiling import Best, Replica, Request
from advisor.propose import engines_for
from advisor.schema import MOST_NODES, Candidate, Load, Question

_SPARE = 1.05  # the solvers of loads end near the root, and a share of a rate may be lost
_SURE = 0.35  # of the cards' memory: what else an engine takes of it is less


class Ceiling:
    """What a number of cards of one kind cannot exceed under one load: of a machine that was named, and others like it.

    Of a machine that is there, where cards are held in part and speeds were measured, nothing is said; nor of several
    kinds of cards in one.
    """

    def __init__(self, question: Question) -> None:
        load, model, machine = question.workload, question.model, question.hardware
        self._load, self._heads, self._most = load, model.heads, len(machine.accelerators)
        self._longest = longest_s(load, model)
        self._shared = min(load.shared_prefix_tokens, load.input_tokens)
        self._left = max(min(history_tokens(load, model), load.input_tokens) - self._shared, 0)
        target = math.inf if load.tpot_ms is None else load.tpot_ms / 1000
        self._asked = Request(load.input_tokens, self._shared, written_tokens(load, model), target)
        said = self._longest is not None or load.request_rate is not None
        equal = machine.source == "simulated" and len({card.name for card in machine.accelerators}) == 1
        found = _best(question) if said and equal else None
        self._best = found
        kinds = ((best.engine, best.weights_format, best.kv_cache_dtype) for best in found or ())
        self._number = {kind: number for number, kind in enumerate(kinds)}
        smallest = {(best.engine, best.weights_format): best.sequence_bytes for best in reversed(_by_cache(found))}
        self._leading = tuple(  # of each format the smallest cache, which carries what the others do
            number
            for number, best in enumerate(found or ())
            if best.sequence_bytes == smallest[best.engine, best.weights_format]
        )

    def reaches(self, cards: int, hosts: int) -> bool:
        """Whether so many machines with so many cards might carry the load; False is certain."""
        if self._best is None:
            return True
        return any(self._fleet(number, cards, hosts) for number in self._leading)

    def allows(self, way: Candidate) -> bool:
        """Whether a way on these cards might carry the load; False is certain."""
        number = self._number.get((way.engine, way.weights_format, way.kv_cache_dtype))
        if number is None or self._best is None:
            return True
        split = way.tensor_parallel, way.pipeline_parallel
        if not self._best[number].shared:
            split = 1, max(len(way.gpu_indices), 1)
        return self._enough(number, split, way.replicas)

    def least(self, first: int, most: int) -> int | None:
        """The fewest cards in one machine that might, from `first` to `most`; None: no number."""
        return next((cards for cards in range(first, most + 1) if self.reaches(cards, 1)), None)

    def machines(self, cards: int, first: int, stop: int) -> int | None:
        """The fewest machines with so many cards that might, from `first` to below `stop`; None: no number."""
        if stop <= first or not self.reaches(cards, stop - 1):
            return None
        no, step = first - 1, 1
        while no + step < stop - 1 and not self.reaches(cards, no + step):
            no, step = no + step, 2 * step
        yes = min(no + step, stop - 1)
        return narrowed(lambda hosts: None if self.reaches(cards, hosts) else True, (no, True), yes)[0] + 1

    def pooled(self, first: int, most: int) -> int | None:
        """The fewest cards that might, in whatever machines: none of them leaves a card over; None: no number."""
        if self._best is None:
            return first if first <= most else None
        fewer = largest(lambda cards: not any(self._pool(number, cards) for number in self._leading), most)
        return max(first, fewer + 1) if fewer < most else None

    def _pool(self, number: int, cards: int) -> bool:
        """As many replicas as there are cards for, be it a part of one, each with its cache as warm as that of one.

        More cards in stages are no worse for each of them.
        """
        best, most = (self._best or ())[number], self._most
        if not best.shared:
            return self._enough(number, (1, most), cards, warm=True)
        sizes = [(size, size) for size in range(1, most + 1)]
        sizes += [(most * over, most) for over in self._over(number, most)]
        return any(
            self._enough(number, split, cards / size, warm=True)
            for size, in_one in sizes
            for split in self._splits(size, in_one)
        )

    @functools.cache  # noqa: B019 - lives as long as one question
    def _over(self, number: int, cards: int) -> tuple[int, ...]:
        """Over how many machines a replica may be cut, because fewer do not hold it: none once they surely do."""
        best = (self._best or ())[number]
        surely = (
            over
            for over in range(1, MOST_NODES + 1)
            if over * cards * best.card_bytes * (1 - _SURE) > best.weights_bytes + best.sequence_bytes
        )
        return tuple(range(2, next(surely, MOST_NODES) + 1))

    def _fleet(self, number: int, cards: int, hosts: int) -> bool:
        """As many replicas as there is room for, of each size; what one machine may not hold, over all of them.

        Or a single replica: each further one finds less in its cache.
        """
        best = (self._best or ())[number]
        if not best.shared:
            return any(self._enough(number, (1, cards), replicas) for replicas in {hosts, 1})
        sizes = [(size, size, cards // size * hosts) for size in range(1, cards + 1)]
        sizes += [(cards * over, cards, hosts // over) for over in self._over(number, cards) if over <= hosts]
        return any(
            self._enough(number, split, replicas)
            for size, in_one, most in sizes
            for split in self._splits(size, in_one)
            for replicas in {most, 1}
        )

    def _splits(self, cards: int, most: int) -> list[tuple[int, int]]:
        """Ranks and stages of one replica over so many cards, of which `most` are in one machine."""
        return [(rank, cards // rank) for rank in range(1, most + 1) if cards % rank == 0 and self._heads % rank == 0]

    @functools.cache  # noqa: B019 - lives as long as one question
    def _replica(
        self, number: int, split: tuple[int, int], kept: float
    ) -> tuple[Replica, Request, float, float] | None:
        """One replica, what a request asks of it, requests a second, and the latency of a single one."""
        replica = Replica.of((self._best or ())[number], *split)
        if replica is None:
            return None
        asked = self._asked._replace(cached=self._shared + self._left * kept)
        return replica, asked, replica.most_per_s(asked), replica.latency_s(asked)

    def _enough(self, number: int, split: tuple[int, int], replicas: float, *, warm: bool = False) -> bool:
        """Whether so many requests a second are as many as must be answered where each is answered in time.

        A turn comes to any replica, and one of them has what the last one left.
        """
        load, kept = self._load, 1.0 if warm else 1.0 / replicas
        found = self._replica(number, split, kept)
        if found is None:
            return False
        replica, asked, each, alone_s = found
        most = _SPARE * replicas * each
        if most == 0 or (load.request_rate is not None and most < load.request_rate):
            return False
        if self._longest is None:
            return True
        peak = peak_in_flight(self._least_in_flight(most, alone_s), load)
        if most < peak / self._longest or not self._alone_in_time(number, split, kept):
            return False
        return self._first_in_time(replica, asked, max(peak / replicas, 1.0), kept)

    @functools.cache  # noqa: B019 - lives as long as one question
    def _alone_in_time(self, number: int, split: tuple[int, int], kept: float) -> bool:
        """Whether the first token of a single request comes in time."""
        found = self._replica(number, split, kept)
        return found is not None and self._first_in_time(found[0], found[1], 1.0, kept)

    def _first_in_time(self, replica: Replica, asked: Request, in_flight: float, kept: float) -> bool:
        """Whether first tokens come in time with so many in flight."""
        load, target = self._load, self._load.ttft_ms
        if target is None:
            return True
        at_peak = Load(
            in_flight=in_flight, input_tokens=load.input_tokens, output_tokens=int(asked.output),
            shared_prefix_tokens=load.shared_prefix_tokens, history_tokens=self._shared + self._left,
            prompt_p95=load.prompt_p95 if load.lengths == "varied" else 1.0,
        )  # fmt: skip
        longest = load.context_tokens - asked.output
        return replica.first_p95_s(asked, at_peak, kept, longest) <= _SPARE * target / 1000

    def _least_in_flight(self, most: float, alone_s: float) -> float:
        """Who is answered at that rate, and not before a single one would be, is in flight for so long."""
        load = self._load
        if load.request_rate is not None:
            return load.request_rate * alone_s
        waits = load.users * alone_s / (alone_s + load.think_time_s)
        return min(max(waits / _SPARE, load.users - load.think_time_s * most), load.users)


def _by_cache(found: Sequence[Best] | None) -> list[Best]:
    return sorted(found or (), key=lambda best: best.sequence_bytes)


def _best(question: Question) -> tuple[Best, ...] | None:
    """Of all engines; None where one of them does not say."""
    found = [
        engine.best(question.hardware, question.workload, question.model)
        for engine in engines_for(question.workload).values()
    ]
    return None if None in found else tuple(best for group in found for best in group or ())
