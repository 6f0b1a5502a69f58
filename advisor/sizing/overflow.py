"""Own machines for the load of most hours, and a hosted API for what is more in the hours of the peak."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.errors import BadInput
from advisor.schema import Question, value
from advisor.sizing.cost import Terms, api_per_month
from advisor.sizing.load import most_of, most_over_all, scale_of
from advisor.sizing.search import sized
from advisor.sizing.supply import Limits, Supply
from advisor.sizing.way import Way


@value
class Peaks:
    """What was said of the day."""

    base: int  # load outside the peak, on the scale of the question
    hours: float  # a day in which the whole load comes


@value
class Overflow:
    """Machines for the base, and what an API takes for the rest."""

    way: Way
    peaks: Peaks
    carried: int  # of the whole load by the machines; the rest goes to the API
    api_per_month: float

    @property
    def per_month(self) -> float:
        """Both together."""
        return self.api_per_month + (self.way.cost.per_month if self.way.cost else 0.0)


def overflow(
    question: Question, cards: Sequence[Supply], limits: Limits, terms: Terms, peaks: Peaks, whole: Way | None
) -> Overflow | None:
    """The cheapest machines for the base with the API above them; None where no price or tokens are known.

    Args:
        whole: the way that carries the whole load, whose tokens they are.

    Raises:
        BadInput: the base is no part of the load.
    """
    scale = scale_of(question.workload)
    if not 0 < peaks.base < scale.planned:
        raise BadInput(f"--base: must be from 1 to below the load, which is {scale.planned}; saw {peaks.base}")
    way = sized(scale.asked(question, peaks.base), cards, limits, terms).kinds.get("cheapest")
    if way is None or way.verdict.winner is None or whole is None or whole.tokens is None:
        return None
    most = most_of(way.verdict.winner.estimate.candidate, way.question, peaks.base)
    most = None if most is None else most_over_all(way.question, most)  # at the peak with whatever plan carries it
    carried = scale.planned if most is None else min(most, scale.planned)
    part = (1 - carried / scale.planned) * peaks.hours / terms.ops_hours
    paid = api_per_month(part * whole.tokens.read, part * whole.tokens.written, terms)
    return None if paid is None else Overflow(way=way, peaks=peaks, carried=carried, api_per_month=paid)
