"""Several servers of one plan looked at as one: each replica has a port of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from advisor.engines.looking import Histogram, Reader, Reading
from advisor.errors import EnvironmentFailed


class ReplicasReader:
    """A reader of all of them; what one counted stays counted when it does not answer any more."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers
        self._last: dict[str, Reading] = {}
        self._before: dict[str, Mapping[str, float]] = {}  # what each had counted when it was first seen
        self._looked = False

    def read(self, now_s: float) -> Reading:
        """One look at each.

        Raises:
            EnvironmentFailed: none of them answers.
        """
        found, silent = [], dict[str, EnvironmentFailed]()
        for name, reader in self._readers.items():
            try:
                self._last[name] = self._since(name, reader.read(now_s))
            except EnvironmentFailed as error:
                silent[name] = error
            else:
                found.append(self._last[name])
        self._looked = True
        if not found:
            raise next(iter(silent.values()))
        left = [_left(last) for name, last in self._last.items() if name in silent]
        gaps = tuple(f"a replica does not answer: {error}" for error in silent.values())
        return together([*found, *left], now_s, gaps)

    def _since(self, name: str, now: Reading) -> Reading:
        """Without what one that comes later had counted by then: nobody saw it rise."""
        before = self._before.setdefault(name, now.totals if self._looked else {})
        return replace(now, totals={what: count - before.get(what, 0.0) for what, count in now.totals.items()})


def _left(last: Reading) -> Reading:
    """Of one that does not answer: what it had counted."""
    return Reading(at_s=last.at_s, running=0, totals=last.totals, ttft=last.ttft, tpot=last.tpot)


def together(found: Sequence[Reading], now_s: float, gaps: tuple[str, ...] = ()) -> Reading:
    """Several looks as one: what can be added is; of the KV cache the fullest, for a request lies in one of them."""
    shares = [each.kv_used for each in found if each.kv_used is not None]
    return Reading(
        at_s=now_s,
        running=_sum(each.running for each in found),
        waiting=_sum(each.waiting for each in found),
        deferred=_sum(each.deferred for each in found),
        slots=sum(each.slots or 0 for each in found) or None,
        kv_used=max(shares, default=None),
        loaded=tuple(loaded for each in found for loaded in each.loaded),
        totals={
            name: math.fsum(each.totals.get(name, 0.0) for each in found)
            for name in dict.fromkeys(name for each in found for name in each.totals)
        },
        ttft=_added(each.ttft for each in found),
        tpot=_added(each.tpot for each in found),
        gaps=(*dict.fromkeys(gap for each in found for gap in each.gaps), *gaps),
    )


def _sum(told: Iterable[int | None]) -> int | None:
    known = [each for each in told if each is not None]
    return sum(known) if known else None


def _added(found: Iterable[Histogram]) -> Histogram:
    counts: dict[float, float] = {}
    for each in found:
        for bound, count in each:
            counts[bound] = counts.get(bound, 0.0) + count
    return tuple(sorted(counts.items()))
