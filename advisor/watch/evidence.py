"""Evidence → cause → flag: the rows of data/evidence.yaml that hold for what was seen in the last minute."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any

from advisor.catalog import constants
from advisor.engines.looking import Reading
from advisor.schema import Plan, value

WINDOW_S = 60.0
_LEAST_LOOKS = 3
_TESTS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq,
}  # fmt: skip
_COUNTED = ("preemptions", "refused", "loads", "filled_contexts")


@value
class Cause:
    """What is wrong, as far as it can be seen."""

    id: str
    seen: str
    cause: str
    flag: str
    do: str
    source: str


@value
class Planned:
    """What the plan gave the engine; without one nothing."""

    slots: int | None = None  # of one replica
    replicas: int = 1
    cards: int | None = None


def planned_of(plan: Plan | None) -> Planned:
    """Of the plan that is watched."""
    if plan is None:
        return Planned()
    candidate = plan.estimate.candidate
    return Planned(slots=candidate.max_in_flight, replicas=candidate.replicas, cards=len(candidate.gpu_indices))


def causes(engine: str, readings: Sequence[Reading], planned: Planned = Planned()) -> tuple[Cause, ...]:  # noqa: B008 - frozen
    """Every row that holds; none before there were some looks.

    Args:
        engine: whose rows.
        readings: all looks so far, in order.
        planned: what the plan gave it, where there is one.
    """
    recent = [each for each in readings if each.at_s >= readings[-1].at_s - WINDOW_S] if readings else []
    if len(recent) < _LEAST_LOOKS:
        return ()
    looks = [signals(recent, place, planned) for place in range(len(recent))]
    rows = [row for row in constants("evidence")["evidence"] if row["engine"] == engine]
    return tuple(found for row in rows if (found := _cause(row, looks)) is not None)


def _cause(row: Mapping[str, Any], looks: Sequence[Mapping[str, float]]) -> Cause | None:
    said = {name for _, name, _, _ in Formatter().parse(row["seen"] + row["do"]) if name}
    holding = [
        look
        for look in looks
        if said <= look.keys()
        and all(_holds(look, *each) for each in row["when"])
        and not any(_holds(look, *each) for each in row.get("unless", ()))
    ]
    if not holding or len(holding) < row.get("share", 0.5) * len(looks):
        return None
    last = holding[-1]
    return Cause(
        id=row["id"], seen=row["seen"].format_map(last), cause=row["cause"], flag=row["flag"],
        do=row["do"].format_map(last), source=row["source"],
    )  # fmt: skip


def _holds(look: Mapping[str, float], name: str, test: str, bound: float) -> bool:
    return name in look and _TESTS[test](look[name], bound)


def signals(recent: Sequence[Reading], place: int, planned: Planned) -> Mapping[str, float]:
    """What one look tells, and what was counted between the first of them and it; without what is not told."""
    now, first = recent[place], recent[0]
    held = [each for each in now.loaded if each.held_bytes and each.gpu_bytes is not None]
    whole = sum(each.held_bytes or 0 for each in held)
    running, slots = _busiest(now, planned)
    least = min((each.slots for each in now.loaded if each.slots), default=now.slots)
    found: dict[str, float | None] = {
        "running": now.running, "waiting": now.waiting, "deferred": now.deferred, "kv_used": now.kv_used,
        "slots": slots, "least_slots": least, "planned_slots": planned.slots, "planned_cards": planned.cards,
        "slots_share": least / planned.slots if least and planned.slots else None,
        "busy_share": running / slots if running is not None and slots else None,
        "gpu_share": sum(each.gpu_bytes or 0 for each in held) / whole if whole else None,
    }  # fmt: skip
    both = now.totals.keys() & first.totals.keys()  # one that is told only later had its count before, too
    counted = {name: now.totals[name] - first.totals[name] for name in _COUNTED if name in both}
    return {name: float(each) for name, each in found.items() if each is not None} | counted


def _busiest(now: Reading, planned: Planned) -> tuple[int | None, int | None]:
    """Requests that run and slots of the model whose slots are nearest to all busy: each model has its own.

    Where the engine does not tell its slots they are those of the plan.
    """
    own = [(each.running, each.slots) for each in now.loaded if each.running is not None and each.slots]
    if own:
        return max(own, key=lambda each: (each[0] / each[1], each[1]))
    return now.running, now.slots or (planned.slots * planned.replicas if planned.slots else None)
