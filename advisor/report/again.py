"""The question of a plan asked again, for what a plan does not keep: curves, other ways, the nearest yes.

What is shown of the plan is the plan's own; where today's facts give another answer, that is said beside it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace

from advisor.catalog.age import facts_here
from advisor.decide.judge import judge, misses
from advisor.errors import BadInput
from advisor.pipeline import Answer, advise
from advisor.probe.simulate import simulate
from advisor.schema import Accelerator, Corrections, Hardware, Plan, Question, Verdict, Workload
from advisor.units import GIB
from advisor.workload import load_workload, profile_names
from advisor.workload.keys import KEYS
from advisor.workload.kinds import Flag

HARDWARE_FILE = "hw.json"  # how a recorded machine is named where its own name is not known


def answer_of(
    plan: Plan, measurements: Corrections, progress: Callable[[str], None] = lambda _: None
) -> tuple[Answer, str]:
    """The answer whose plan this is, and what today's facts say where that is something else.

    Raises:
        BadInput: the plan asks what this program does not answer.
    """
    fresh = advise(plan.workload, plan.hardware, measurements, plan.model, progress, facts_here())
    if fresh.plan is not None and fresh.plan.estimate == plan.estimate:
        return replace(fresh, plan=plan), ""
    note = f"Asked again with today's facts, the answer is another one: {fresh.verdict.summary}"
    if fresh.plan is not None and fresh.plan.estimate.candidate == plan.estimate.candidate:
        note = "Asked again with today's facts, the same plan runs a little differently; the figures here are its own."
    asked = Question(model=plan.model, workload=plan.workload, hardware=fresh.hardware, measurements=measurements)
    return replace(fresh, plan=plan, model=plan.model, verdict=_as_planned(plan, fresh.verdict, asked)), note


def _as_planned(plan: Plan, fresh: Verdict, question: Question) -> Verdict:
    """The verdict with the plan as its winner, judged by its own figures; curves and other ways are today's."""
    own = judge(plan.estimate, question)
    others = (*((fresh.winner,) if fresh.winner else ()), *fresh.losers)
    meets = not misses(own)
    return replace(
        fresh,
        engine=plan.engine,
        winner=own,
        meets_targets=meets,
        summary=plan.summary,
        losers=tuple(each for each in others if each.estimate.candidate != plan.estimate.candidate),
        reasons=own.findings,
        nearest_yes=() if meets else fresh.nearest_yes,
        capacity_in_flight=None,
        capacity_users=None,
    )


def command_of(plan: Plan) -> str:
    """What to type to be asked the same: whatever differs from the profile is an option."""
    words = ["advisor", "recommend", *_asked(plan), *_machine(plan.hardware)]
    return shlex.join(words)


def _asked(plan: Plan) -> Iterator[str]:
    """Profile, model, and each key that the profile alone would not give."""
    asked = plan.workload if plan.workload.model else replace(plan.workload, model=plan.model.hf_id)
    profile = asked.profile if asked.profile in profile_names() else None
    if profile:
        yield from ("--profile", profile)
    given = _differences(profile, asked)
    for key in KEYS:
        if key.name in given:
            found = given[key.name]
            if isinstance(key.kind, Flag):
                yield key.flag if found else key.off
            else:
                yield from (key.flag, f"{found:g}" if isinstance(found, float) else str(found))


def _differences(profile: str | None, asked: Workload) -> dict[str, object]:
    """What must be given over a profile; giving one key moves others along, so it is tried until nothing differs."""
    given: dict[str, object] = {}
    exclusive = "users" if asked.staff is not None else "staff"
    keys = [key for key in KEYS if key.option and key.name != exclusive]
    while True:
        try:
            made = load_workload(profile, given)
        except BadInput:  # half of what belongs together
            made = None
        missing = {
            key.name: getattr(asked, key.name)
            for key in keys
            if key.name not in given
            and getattr(asked, key.name) is not None
            and (made is None or getattr(made, key.name) != getattr(asked, key.name))
        }
        if not missing:
            return given
        first = "task" if "task" in missing else next(iter(missing))
        given |= missing if made is None else {first: missing[first]}


def _machine(hardware: Hardware) -> Iterator[str]:
    """The cards where they were only named, and naming them gives the same; nothing where it is this machine."""
    if hardware.source == "probed":
        return
    for with_size in (False, True):
        named = " + ".join(_cards(hardware, with_size))
        if hardware.source == "simulated" and named and _same(named, hardware):
            yield from ("--gpu", named)
            return
    yield from ("--hardware", HARDWARE_FILE)


def _cards(hardware: Hardware, with_size: bool) -> Iterator[str]:
    """`2x RTX 4090`, of each kind of card; its size where one name is sold with several."""
    names = [f"{card.name} {_size(card, hardware)}" if with_size else card.name for card in hardware.accelerators]
    for name in dict.fromkeys(names):
        yield f"{names.count(name)}x {name}" if names.count(name) > 1 else name


def _size(card: Accelerator, hardware: Hardware) -> str:
    """As it is sold: of unified memory all of it."""
    return f"{round((hardware.cpu if card.unified_memory else card).memory_bytes / GIB)}GB"


def _same(named: str, hardware: Hardware) -> bool:
    try:
        found = simulate(named)
    except BadInput:
        return False
    return [card.memory_bytes for card in found.accelerators] == [card.memory_bytes for card in hardware.accelerators]
