"""What was said of one load so far: which machines carry it, which do not, and which no lesser ones can then."""

from __future__ import annotations

from collections.abc import Callable

from advisor.catalog.entries import GpuSpec
from advisor.schema import Question
from advisor.sizing.carrying import Likely, Repeated
from advisor.sizing.ceiling import Ceiling
from advisor.sizing.supply import Supply, question_on

Machines = tuple[int, int]  # cards in one, and how many of them


class Known:
    """Answers for one load: a no holds for fewer machines, for fewer cards in one, and for lesser cards.

    Of several machines fewer are asked first, and each question is about the ways that take all of them.

    Several machines with fewer cards each are no less: a model in stages across them takes all cards of each, and heads
    may divide by six where they do not by seven.
    """

    def __init__(self, question: Question) -> None:
        self.likely: Likely = {}
        self._question = question
        self._ceilings: dict[str, Ceiling] = {}
        self._repeated: dict[tuple[str, int], Repeated] = {}
        self._said: dict[tuple[str, Machines], bool] = {}
        self._noes: dict[str, tuple[GpuSpec, list[Machines]]] = {}

    def ceiling(self, supply: Supply, most: int) -> Ceiling:
        """What cards of this kind cannot exceed, up to so many in a machine."""
        found = self._ceilings.get(supply.spec.id)
        if found is None:
            found = self._ceilings[supply.spec.id] = Ceiling(question_on(self._question, supply, most, 1))
        return found

    def repeated(self, supply: Supply, cards: int, ceiling: Ceiling) -> Repeated:
        """The ways on a machine with so many of these cards that several machines may repeat."""
        key = (supply.spec.id, cards)
        if key not in self._repeated:
            self._repeated[key] = Repeated(
                question_on(self._question, supply, cards, 1), self.likely, ceiling.allows, ceiling.ever
            )
        return self._repeated[key]

    def carried(self, spec: GpuSpec, machines: Machines, ask: Callable[[], bool]) -> bool:
        """The answer for so many of a card, asked only where it does not follow."""
        key = (spec.id, machines)
        if key not in self._said:
            self._said[key] = not self._follows(spec, machines) and ask()
            if not self._said[key]:
                noes = self._noes.setdefault(spec.id, (spec, []))[1]
                noes[:] = [*(no for no in noes if not _no_more(no, machines)), machines]
        return self._said[key]

    def _follows(self, spec: GpuSpec, machines: Machines) -> bool:
        return any(
            any(_no_more(machines, no) for no in noes) and no_less(other, spec) for other, noes in self._noes.values()
        )


def _no_more(some: Machines, others: Machines) -> bool:
    """Whether they are a part of the others, as a plan would use them."""
    cards, hosts = some
    return hosts <= others[1] and (cards == others[0] or (hosts == 1 and cards < others[0]))


def no_less(one: GpuSpec, other: GpuSpec) -> bool:
    """Whether a card is at least the other in all that a prediction reads of it: both of one build and one generation.

    Between generations constants and kernels differ, so that no order is told.
    """
    if one.id == other.id:
        return True
    return _build(one) == _build(other) and all(
        (mine or 0.0) >= (theirs or 0.0)
        for mine, theirs in zip(_figures(one, other), _figures(other, one), strict=True)
    )


def _build(spec: GpuSpec) -> tuple[object, ...]:
    """What must be alike."""
    peers = bool(spec.nvlink_bytes_per_s), spec.interconnect, spec.pcie_peer_access
    kind = spec.vendor, spec.device_class, spec.architecture, spec.compute_capability, spec.unified_memory
    return *kind, *peers, tuple(sorted(spec.supported.items())), tuple(sorted(spec.dense_flops))


def _figures(spec: GpuSpec, other: GpuSpec) -> tuple[float | None, ...]:
    """What is more where it is larger."""
    rates = (spec.dense_flops[name] for name in sorted(other.dense_flops))
    return spec.memory_bytes, spec.bandwidth_bytes_per_s, spec.nvlink_bytes_per_s, *rates
