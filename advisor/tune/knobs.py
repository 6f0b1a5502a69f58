"""Which changes of a plan are worth trying: those with most to be gained, as unsure as the prediction is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from advisor.catalog import constants
from advisor.engines import ENGINES
from advisor.estimate import speed_at
from advisor.plan import with_own_checks
from advisor.schema import Candidate, Corrections, Plan, Question, Setting, value

_MOST_THREADS = 1024
_SOURCE = "measured-here"
_OF_SETTINGS = ("argv", "env", "modelfile", "drain_s")  # of a launch


@value
class Trial:
    """One change of a plan."""

    name: str  # for a person
    plan: Plan
    upside: float  # what it gives over the plan at best, as the prediction has it and as unsure as that is


def trials(plan: Plan, measurements: Corrections) -> tuple[Trial, ...]:
    """Every change that fits and could be better, that which could gain most first."""
    found: dict[Candidate, Trial] = {}
    start = _rate(plan, plan.estimate.candidate, measurements)
    for name, unsure, candidate in _changes(plan):
        if candidate in found or not _fits(plan, candidate):
            continue
        rate = _rate(plan, candidate, measurements)
        upside = unsure * (rate / start if rate and start else 1.0)
        if upside > 1:
            found[candidate] = Trial(name=name, plan=with_candidate(plan, candidate, measurements), upside=upside)
    return tuple(sorted(found.values(), key=lambda trial: -trial.upside))


def _changes(plan: Plan) -> Iterator[tuple[str, float, Candidate]]:
    """Name, uncertainty and candidate of each row of the table that is about this engine."""
    start = plan.estimate.candidate
    for row in constants("tuning")["settings"]:
        before = getattr(start, row["field"])
        if before is None or plan.engine not in row.get("engines", (plan.engine,)):
            continue
        for wanted in _values(row, before, plan):
            if wanted != before:
                name = row["what"].format(value=wanted, before=before)
                yield name, row["unsure"], replace(start, **{row["field"]: wanted})


def _values(row: Mapping[str, Any], before: Any, plan: Plan) -> Iterator[Any]:
    candidate, threads = plan.estimate.candidate, plan.hardware.cpu.threads
    each = max(plan.estimate.peak_in_flight // max(candidate.replicas, 1), 1)
    several = {max(round(each * share), 1) for share in row.get("shares", ())}
    yield from (
        wanted for wanted in sorted(several) if min(wanted, each) != min(before, each)
    )  # beyond the load: the same
    # A step holds one token of each request at least.
    yield from (max(round(before * factor), candidate.max_in_flight) for factor in row.get("factors", ()))
    yield from (min(max(before + step, 1), threads, _MOST_THREADS) for step in row.get("steps", ()))
    yield from row.get("values", ())


def _fits(plan: Plan, candidate: Candidate) -> bool:
    memory = ENGINES[plan.engine].memory(candidate, plan.hardware, plan.model)
    return memory.fits and (memory.most_sequences is None or candidate.max_in_flight <= memory.most_sequences)


def _rate(plan: Plan, candidate: Candidate, measurements: Corrections) -> float | None:
    asked = Question(model=plan.model, workload=plan.workload, hardware=plan.hardware, measurements=measurements)
    speed = speed_at(candidate, plan.estimate.peak_in_flight, asked)
    return None if speed is None else speed.output_tokens_per_s.expected


def with_candidate(plan: Plan, candidate: Candidate, measurements: Corrections) -> Plan:
    """The same plan with another candidate: its memory, speed, settings and launch follow from that."""
    engine, facts = ENGINES[plan.engine], (plan.hardware, plan.workload, plan.model)
    asked = Question(model=plan.model, workload=plan.workload, hardware=plan.hardware, measurements=measurements)
    old = plan.estimate
    estimate = replace(
        old,
        candidate=candidate,
        memory=engine.memory(candidate, plan.hardware, plan.model),
        speed=speed_at(candidate, old.in_flight, asked),
        peak_speed=speed_at(candidate, old.peak_in_flight, asked),
        burst_speed=speed_at(candidate, old.burst, asked, together=1.0) if old.burst > 1 else None,
    )
    settings = _moved(plan.settings, engine.settings(old, *facts), engine.settings(estimate, *facts))
    made = engine.launch(estimate, settings, *facts)
    launch = replace(plan.launch, **{name: getattr(made, name) for name in _OF_SETTINGS})
    return with_own_checks(replace(plan, estimate=estimate, settings=settings, launch=launch))


def _moved(own: tuple[Setting, ...], before: tuple[Setting, ...], after: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """The plan's own settings, with those that the change alters, adds or takes away."""
    was, kept = ({(each.kind, each.name): each for each in several} for several in (before, own))
    now = {(each.kind, each.name): each for each in after}
    moved = {key for key in was.keys() | now.keys() if _text(was.get(key)) != _text(now.get(key))}
    rest = [now[key] if key in moved else each for key, each in kept.items() if key not in moved or key in now]
    return (*rest, *(each for key, each in now.items() if key in moved and key not in kept))


def _text(setting: Setting | None) -> tuple[str | None] | None:
    return None if setting is None else (setting.value,)


def marked(start: Plan, best: Plan, because: str) -> Plan:
    """The plan whose changed settings say that they were measured here."""
    before = {(setting.kind, setting.name): setting.value for setting in start.settings}

    def told(setting: Setting) -> Setting:
        was = before.get((setting.kind, setting.name), "unset")
        if was == setting.value:
            return setting
        return replace(setting, because=f"measured here: {because}; planned was {was}", source=_SOURCE)

    return replace(best, settings=tuple(told(setting) for setting in best.settings))


def changed(start: Plan, best: Plan) -> tuple[Setting, ...]:
    """The settings of the best plan that differ from the start's."""
    before = {(setting.kind, setting.name): setting.value for setting in start.settings}
    return tuple(each for each in best.settings if before.get((each.kind, each.name), "") != each.value)
