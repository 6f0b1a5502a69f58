"""Nothing carries the load: what the largest machine in question says to it, and what could be asked less of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from advisor.schema import Question, value
from advisor.search.less import less
from advisor.sizing.hosts import Fit
from advisor.sizing.others import why_not
from advisor.sizing.supply import Limits, Supply, question_on

_SHOWN = 3


@value
class Short:
    """The machine with most bandwidth, why it is not enough, and changes of the load after which it is."""

    fit: Fit
    why: str
    changes: tuple[str, ...]  # options as they are typed


def short(question: Question, cards: Sequence[Supply], limits: Limits) -> Short | None:
    """Of the largest machine within the limits; None where they allow none, or it is money that forbids it."""
    allowed = [(limits.host(each), each) for each in cards if limits.host(each) > 0]
    if not allowed:
        return None
    number, most = max(allowed, key=lambda one: one[0] * (one[1].spec.bandwidth_bytes_per_s or 0.0))
    fit, told = why_not(question, most, limits)
    if fit is None or not told:
        return None
    asked = question_on(question, most, number, 1)
    changes = tuple(step.change for step in islice(less(asked), _SHOWN))
    return Short(fit=fit, why=told, changes=changes)
