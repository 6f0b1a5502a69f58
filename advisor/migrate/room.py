"""Several models on one machine: what each of their servers may take, and which go first where not all fit.

The new engine keeps every model in memory at once, the old one loads them as they are asked for. What a server needs
is taken from its plan alone on the machine. Where all of them fit on the same cards, each gets its need and its part of
what is left; else each gets cards of its own, where there are enough; else those go first that serve now, in the old
engine's order, as long as what it holds for the rest fits too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from advisor.physics.memory.cards import visible_bytes
from advisor.schema import Accelerator, Plan, value
from advisor.units import gib

FOR_SERVERS = 0.92  # of a card: the rest is for what no server counts
WITH_CACHE = 1.2  # of the file of a model that the old engine loads when it is asked for


@value
class Want:
    """One model that could move: what its server needs, and what the old engine holds for it."""

    name: str
    need_bytes: int  # on each of its cards
    held_bytes: int = 0  # on the cards by the old engine; 0: not loaded
    file_bytes: int = 0  # of its weights there; 0: not told

    @property
    def asleep_bytes(self) -> int:
        """What the old engine takes when it is asked for it and does not hold it now."""
        return 0 if self.held_bytes else math.ceil(WITH_CACHE * self.file_bytes)


@value
class Room:
    """What one server may take."""

    reserve_bytes: int = 0  # of every card, for the others
    cards: tuple[int, ...] = ()  # its own; empty: all
    refused: str = ""  # why it stays


def need_of(plan: Plan) -> int:
    """Bytes on its fullest device: all but the cache, of which one full request counts, or all that is in flight."""
    memory, candidate, load = plan.estimate.memory, plan.estimate.candidate, plan.workload
    each = load.input_tokens + load.output_tokens
    in_flight = plan.estimate.peak_in_flight / candidate.replicas
    tokens = max(candidate.context_tokens, in_flight * each)
    ranks = candidate.tensor_parallel * candidate.pipeline_parallel
    cache = min(memory.kv_bytes, tokens * memory.kv_bytes_per_token / ranks)
    return math.ceil(memory.used_bytes - memory.kv_bytes + cache)


def rooms(
    wants: Sequence[Want],
    cards: Sequence[Accelerator],
    staying_bytes: int = 0,
    *,
    spare_bytes: int = 0,
    seen: bool = False,
) -> Mapping[str, Room]:
    """The room of each.

    Args:
        wants: those that have a plan alone.
        cards: of the machine; without any the host's memory is shared out as plans are made.
        staying_bytes: held on the cards by the old engine for models that cannot move.
        spare_bytes: of each card, that nobody may take.
        seen: whether what the cards have free lacks already what the old engine holds.
    """
    if not cards or not wants:
        return {each.name: Room() for each in wants}
    smallest = min(visible_bytes(card) for card in cards)
    most = math.floor(FOR_SERVERS * smallest) - spare_bytes
    first = _first(wants, most - staying_bytes)
    held = staying_bytes + sum(each.held_bytes for each in wants if each not in first)
    left, whole = most - held, sum(each.need_bytes for each in first)
    staying = [each for each in wants if each not in first]
    asleep = max((each.asleep_bytes for each in staying), default=0)
    kept = asleep if asleep <= left - whole else 0
    free = smallest - held if seen else smallest
    shared = {each.name: Room(reserve_bytes=free - (left - kept) * each.need_bytes // whole) for each in first}
    refused = {each.name: Room(refused=_why(each, first, left - whole, kept)) for each in staying}
    return shared | refused


def _first(wants: Sequence[Want], most: int) -> tuple[Want, ...]:
    """Those that move now: what serves now before what does not, each if all and what is held for the rest fit."""
    going: tuple[Want, ...] = ()
    for each in sorted(wants, key=lambda want: not want.held_bytes):
        now = (*going, each)
        held = sum(other.held_bytes for other in wants if other not in now)
        if sum(other.need_bytes for other in now) + held <= most:
            going = now
    return going


def slices(wants: Sequence[Want], cards: Sequence[Accelerator]) -> Mapping[str, Room]:
    """As many cards for each alone, the largest need on the largest; nothing where there are too few cards."""
    each, left = len(cards) // max(len(wants), 1), sorted(cards, key=lambda card: (-visible_bytes(card), card.index))
    if not each:
        return {}
    ordered = sorted(wants, key=lambda want: -want.need_bytes)
    parts = [left[place * each : (place + 1) * each] for place in range(len(ordered))]
    return {
        want.name: Room(cards=tuple(sorted(card.index for card in part)))
        for want, part in zip(ordered, parts, strict=True)
    }


def _why(want: Want, first: Sequence[Want], left_bytes: int, kept_bytes: int) -> str:
    """Why it stays, what the old engine finds there for it, and the other choice."""
    names = ", ".join(each.name for each in first)
    one = "needs, which comes" if len(first) == 1 else "need, which come"
    beside = f"what {names} {one}" if first else "what does not move, which comes"
    old = ""
    if want.asleep_bytes:
        told = "is kept free for it" if kept_bytes else "is more than is free: it answers from the CPU in part"
        old = f", and the {gib(want.asleep_bytes)} that it takes there when it is asked for {told}"
    return (
        f"its server needs {gib(want.need_bytes)}, and a card has {gib(max(left_bytes, 0))} beside {beside} "
        f"first: it stays where it is, behind the same gateway{old} (--only {want.name} moves it instead)"
    )
