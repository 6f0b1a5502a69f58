"""Whether replicas at their best answer as many requests as a load asks for, each of them in time."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from advisor.decide.pace import longest_s
from advisor.estimate import history_tokens, peak_in_flight
from advisor.models.thinking import written_tokens
from advisor.physics.speed.ceiling import Best, Replica, Request
from advisor.schema import Load, Question

_SPARE = 1.05  # the solvers of loads end near the root, and a share of a rate may be lost

Split = tuple[int, int]  # ranks and stages of one replica


class Reach:
    """One load on replicas of one kind of card, each split remembered for all numbers of replicas."""

    def __init__(self, question: Question, best: Sequence[Best]) -> None:
        load, model = question.workload, question.model
        self._load, self._best, self._longest = load, best, longest_s(load, model)
        self._shared = min(load.shared_prefix_tokens, load.input_tokens)
        self._left = max(min(history_tokens(load, model), load.input_tokens) - self._shared, 0)
        target = math.inf if load.tpot_ms is None else load.tpot_ms / 1000
        self._asked = Request(load.input_tokens, self._shared, written_tokens(load, model), target)
        self._one = functools.cache(lambda number, split: Replica.of(best[number], *split))
        self._replica = functools.cache(self._placed)
        self._alone_in_time = functools.cache(self._one_in_time)
        self._enough = functools.cache(self._in_time)

    def enough(self, number: int, split: Split, replicas: float, *, at_least: float | None = None) -> bool:
        """Whether so many requests a second are as many as must be answered where each is answered in time.

        A turn comes to any replica, and one of them has what the last one left: of as many as there are at least, where
        nothing else is told. Were each cache as warm as that of one, more would be answered: that is asked first, as it
        is worked out once for all numbers of replicas.
        """
        kept = 1.0 / (replicas if at_least is None else at_least)
        if kept < 1.0 and self._peak(number, split, replicas, 1.0) is None:
            return False
        return self._enough(number, split, replicas, kept)

    def holds(self, number: int, split: Split) -> bool:
        """Whether a replica holds a request at all, and writes it in time."""
        found = self._replica(number, split, 1.0)
        return found is not None and found[2] > 0

    def ever(self, number: int, split: Split) -> bool:
        """Whether any number of replicas might be enough: a single request is in time."""
        in_time = self._longest is None or self._alone_in_time(number, split, 1.0)
        return in_time and self.holds(number, split)

    def _in_time(self, number: int, split: Split, replicas: float, kept: float) -> bool:
        peak, found = self._peak(number, split, replicas, kept), self._replica(number, split, kept)
        if peak is None or found is None:
            return False
        if self._longest is None:
            return True
        in_flight = max(peak / replicas, 1.0)
        return self._alone_in_time(number, split, kept) and self._first_in_time(*found[:2], in_flight, kept)

    def _peak(self, number: int, split: Split, replicas: float, kept: float) -> float | None:
        """Requests in flight at the peak; None where fewer are answered a second than must be."""
        load, found = self._load, self._replica(number, split, kept)
        if found is None:
            return None
        most = _SPARE * replicas * found[2]
        if most == 0 or (load.request_rate is not None and most < load.request_rate):
            return None
        peak = peak_in_flight(self._least_in_flight(most, found[3]), load)
        return peak if self._longest is None or most >= peak / self._longest else None

    def _placed(self, number: int, split: Split, kept: float) -> tuple[Replica, Request, float, float] | None:
        """One replica, what a request asks of it, requests a second, and the latency of a single one."""
        replica = self._one(number, split)
        if replica is None:
            return None
        asked = self._asked._replace(cached=self._shared + self._left * kept)
        return replica, asked, replica.most_per_s(asked), replica.latency_s(asked)

    def _one_in_time(self, number: int, split: Split, kept: float) -> bool:
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
