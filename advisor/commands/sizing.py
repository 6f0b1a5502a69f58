"""From what was typed to the answer of `size`, and to the files of one of its ways."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from advisor.decide.words import people_of
from advisor.engines.beside import with_reserve
from advisor.errors import BadInput
from advisor.measured.store import measurements_from
from advisor.models.thinking import with_room
from advisor.pipeline import advise, asked_of, files_of, find_hardware
from advisor.probe.network import with_nodes
from advisor.probe.simulate import simulate
from advisor.report.sized import SizeAnswer
from advisor.schema import ModelSpec, Plan, Question, RenderedFile, Workload
from advisor.search.choose import best_by_size, choose_model
from advisor.sizing.cost import Terms
from advisor.sizing.option import options_of
from advisor.sizing.others import others
from advisor.sizing.overflow import Peaks, overflow
from advisor.sizing.search import sized, without_limits
from advisor.sizing.short import short
from advisor.sizing.supply import Limits, supplies
from advisor.sizing.way import Way
from advisor.units import several
from advisor.workload import default_profile
from advisor.workload.keys import KEYS


def question_of(profile: str | None, overrides: Mapping[str, Any], measurements: str | None) -> Question:
    """The question before it is known on which machine; that of the answer stands for none.

    Raises:
        BadInput: no model, one that cannot be used, or a number of machines, which is what is asked.
    """
    model, workload = asked_of(profile, overrides)
    if model is not None and workload.nodes not in (None, 1):
        raise BadInput("--nodes: how many machines is what `size` finds; --max-cards-per-host bounds one of them")
    if model is None:
        raise _which_model(workload)
    return Question(
        model=model,
        workload=with_room(workload, model),
        hardware=simulate("cpu only"),
        measurements=measurements_from(measurements),
    )


def _which_model(workload: Workload) -> BadInput:
    """What machines cost depends on the model first of all: it is asked for, with some that are worth a try."""
    best = best_by_size(workload.task)
    some = f" For {workload.task!r} the best scored of its size each: {', '.join(best)}." if best else ""
    said = f"--model: which model is to be served?{some} `advisor catalog models` lists those that are known"
    near = best[0] if best else "Qwen/Qwen2.5-7B-Instruct"
    return BadInput(said, near=near, flag="--model")


def size_answer(
    *,
    profile: str | None,
    overrides: Mapping[str, Any],
    measurements: str | None,
    can_get: str | None,
    have: str | None,
    limits: Limits,
    terms: Terms,
    growth: float,
    peaks: Peaks | None,
    today: date,
    progress: Callable[[str], None],
) -> SizeAnswer:
    """Everything that `size` finds out. Writes nothing.

    Raises:
        BadInput: a profile, name or number that cannot be used.
    """
    question = question_of(profile, overrides, measurements)
    cards = supplies(can_get, have)
    found = sized(question, cards, limits, terms, progress)
    progress("looking for the last load that each carries")
    options = options_of(found, terms)
    named = [card for card in cards if can_get is not None or card.owned]
    return SizeAnswer(
        others=others(question, named, limits, found) if options else (),
        question=question, terms=terms, found=found, options=options, growth=growth, today=today,
        typed=typed(profile, overrides),
        without=() if options else without_limits(question, cards, limits, terms),
        short=None if options else short(question, cards, limits),
        overflow=overflow(question, cards, limits, terms, peaks, options[0].way if options else None)
        if peaks
        else None,
    )  # fmt: skip


def typed(profile: str | None, overrides: Mapping[str, Any]) -> str:
    """The load and the model as they were typed, for a command that asks again."""
    words = [] if profile is None else ["--profile", profile]
    for key in KEYS:
        given = overrides.get(key.name)
        if given is True or given is False:
            words.append(key.flag if given else key.off)
        elif given is not None:
            whole = isinstance(given, float) and given.is_integer()
            words += [key.flag, str(int(given) if whole else given)]
    return shlex.join(words)


def chosen_files(answer: SizeAnswer, number: int) -> tuple[RenderedFile, ...]:
    """The deployment folder of that way, on all its machines.

    Raises:
        BadInput: the answer has no such way.
    """
    from advisor.commands.pinning import pinned

    if number > len(answer.options):
        raise BadInput(f"--pick {number}: the answer has {several(len(answer.options), 'way')}")
    made = advise_on(answer.options[number - 1].way, answer.question)
    return files_of(pinned(made)) if made else ()


def advise_on(way: Way, question: Question) -> Plan | None:
    """The plan of a way, as `recommend` makes it."""
    from advisor.catalog.age import facts_here
    from advisor.sizing.supply import machine

    fit = way.fit
    hardware = machine(fit.supply, fit.cards_a_host, fit.hosts_in_all, question.workload)
    asked = replace(question.workload, nodes=fit.hosts_in_all if fit.hosts_in_all > 1 else None)
    return advise(asked, hardware, question.measurements, question.model, facts=facts_here()).plan


def here(
    profile: str | None,
    overrides: Mapping[str, Any],
    gpu: str | None,
    hardware_file: Path | None,
    measurements: str | None,
) -> tuple[Question, str]:
    """How many a machine that is there, or named, serves; without a model, with the one that `recommend` takes.

    Where no profile is named the load is that of several people, as `recommend` asks about any of the numbers found.

    Returns:
        The question, and why it is about this model where none was named.

    Raises:
        BadInput: a profile, name or file that cannot be used.
    """
    many = default_profile({**{key: said for key, said in overrides.items() if said is not None}, "users": 2})
    model, workload = asked_of(profile or many, overrides)
    hardware = with_reserve(with_nodes(find_hardware(gpu, hardware_file), workload), workload)
    known = measurements_from(measurements)

    def ask(model: ModelSpec) -> Question:
        return Question(model=model, workload=with_room(workload, model), hardware=hardware, measurements=known)

    if model is not None:
        return ask(model), ""
    chosen = choose_model(workload.task, ask, others=False)
    return chosen.question, f"{chosen.because}, asked for {people_of(workload)}"
