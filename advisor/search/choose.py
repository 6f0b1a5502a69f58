"""Which model, when none was named: the most capable one for the task whose plan meets the targets here."""

from __future__ import annotations

from collections.abc import Callable

from advisor.catalog.ranking import ranking
from advisor.models.names import catalogue_model
from advisor.schema import ModelSpec, Question, Verdict, value
from advisor.search.bounds import worth_a_look
from advisor.search.nearest import hardware_for, outcome
from advisor.verdict import verdict_for

Ask = Callable[[ModelSpec], Question]


@value
class Choice:
    """The question about the chosen model with its verdict, why it was chosen, and its neighbours in the ranking."""

    question: Question
    verdict: Verdict
    because: str
    steps: tuple[str, ...]


def choose_model(task: str, ask: Ask) -> Choice:
    """Walk the ranking from the most capable model down and take the first whose plan meets the targets.

    When none does, the last one that runs here at all is returned with its "no".
    """
    names, runs = ranking(task), None
    for position, name in enumerate(names):
        question = ask(catalogue_model(name))
        last = position == len(names) - 1
        if not last and not worth_a_look(question):
            continue
        verdict = verdict_for(question, depth=False)
        runs = position if verdict.winner is not None or runs is None else runs
        if verdict.meets_targets:
            return _choice(question, names, position, ask)
    shown = len(names) - 1 if runs is None else runs
    return _choice(ask(catalogue_model(names[shown])), names, shown, ask)


def _choice(question: Question, names: tuple[str, ...], position: int, ask: Ask) -> Choice:
    verdict = verdict_for(question)
    found = "the first" if verdict.meets_targets else "the last that was tried, and not even it is one,"
    because = (
        f"no model was named: {question.model.hf_id} is {found} of {len(names)} in the ranking for "
        f"{question.workload.task!r}, most capable first, whose plan meets the targets here (place {position + 1})"
    )
    steps = (_step_up(names[:position], ask), _step_down(names[position + 1 :], ask))
    return Choice(question=question, verdict=verdict, because=because, steps=tuple(step for step in steps if step))


def _step_up(above: tuple[str, ...], ask: Ask) -> str:
    """The next more capable model, and what it would need."""
    if not above:
        return ""
    question = ask(catalogue_model(above[-1]))
    change = hardware_for(question)
    need = f"would need {change.change}: {change.result}" if change else "meets the targets on no card that was tried"
    return f"one step up: {question.model.hf_id} {need}"


def _step_down(below: tuple[str, ...], ask: Ask) -> str:
    """The next smaller model that also meets the targets, and what it would give."""
    for name in below:
        question = ask(catalogue_model(name))
        if not worth_a_look(question):
            continue
        verdict = verdict_for(question, depth=False)
        if verdict.meets_targets:
            return f"one step down: {question.model.hf_id} would give {outcome(verdict)}"
    return ""
