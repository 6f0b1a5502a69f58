"""`capacity`: for programs and on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from advisor.catalog import engine_limits, weights_format
from advisor.decide.words import layout, pace
from advisor.report.layout import columns, paragraph
from advisor.schema import Judged, Question
from advisor.sizing.capacity import Change, Served
from advisor.units import count, ms
from advisor.wire import to_data


def capacity_document(found: Sequence[Served], question: Question, because: str = "") -> dict[str, Any]:
    """By engine, and what was asked.

    Args:
        found: of each engine.
        question: what was asked.
        because: why of this model, where none was named.
    """
    people = any(each.users is not None for each in found)
    return {each.engine: _engine(each, people) for each in found} | {
        "workload": to_data(question.workload),
        "hardware": to_data(question.hardware),
        "model": {**to_data(question.model), "because": because},
    }


def _engine(each: Served, people: bool) -> dict[str, Any]:
    candidate = each.plan.estimate.candidate if each.plan else None
    return {
        "users_max": each.users,
        "in_flight_max": each.in_flight,
        "binds": each.binds,
        "next_change": _change(each.next_change, people),
        "changes": [_change(change, people) for change in each.changes],
        "quantization": candidate.weights_format if candidate else None,
        "plan": to_data(candidate) if candidate else None,
    }


def _change(change: Change | None, people: bool) -> dict[str, Any] | None:
    if change is None:
        return None
    key = "users_max" if people else "in_flight_max"
    return {"change": change.change, key: change.most}


def capacity_lines(found: Sequence[Served], question: Question, width: int, because: str = "") -> Iterator[Text]:
    """An engine a block: how many, with which plan, what stops it, what would give more."""
    load = question.workload
    targets = ", ".join(
        f"{name} {ms(target / 1000)}"
        for name, target in (("TTFT", load.ttft_ms), ("TPOT", load.tpot_ms), ("first answer", load.first_answer_ms))
        if target is not None
    )
    people = any(each.users is not None for each in found)
    yield Text(f"{question.model.hf_id} within {targets or 'no target'} (95th percentile)", style="bold")
    yield from paragraph(because, width) if because else ()
    for each in found:
        yield Text()
        yield Text(f"{engine_limits(each.engine).title}: {_most(each, people)}", style="bold cyan")
        rows = [("plan", _plan(each.plan, load.made))] if each.plan else []
        rows += [("then" if each.plan else "why", each.binds)] if each.binds else []
        rows += [("or", f"{change.change}: {_counted(change.most, people)}") for change in each.changes]
        yield from columns([(Text(head, style="dim"), text) for head, text in rows], width, indent=3)


def _most(each: Served, people: bool) -> str:
    flight = f"{_number(each.in_flight)} request{'' if each.in_flight == 1 else 's'} in flight"
    return f"{_counted(each.users, people)}, {flight}" if people else flight


def _counted(most: int | None, people: bool) -> str:
    """`1 user`, `12 in flight`."""
    unit = ("user" if most == 1 else "users") if people else "in flight"
    return f"{_number(most)} {unit}"


def _number(most: int | None) -> str:
    return "any number of" if most is None else count(most)


def _plan(judged: Judged, made: str) -> str:
    candidate, speed = judged.estimate.candidate, judged.estimate.peak_speed
    told = [weights_format(candidate.weights_format).title, f"KV {candidate.kv_cache_dtype}"]
    told += layout(candidate)
    if speed:
        told.append(pace(speed, made))
    return ", ".join(told)
