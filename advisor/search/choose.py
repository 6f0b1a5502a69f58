"""Which model, when none was named: the most capable one for the task whose plan meets the targets here."""

from __future__ import annotations

from advisor.catalog.ranking import ranking
from advisor.models.names import find_model
from advisor.schema import Hardware, ModelSpec, Verdict, Workload, value
from advisor.search.bounds import worth_a_look
from advisor.search.nearest import hardware_for, outcome
from advisor.verdict import verdict_for


@value
class Choice:
    """The chosen model with its verdict, why it was chosen, and its neighbours in the ranking."""

    model: ModelSpec
    verdict: Verdict
    because: str
    steps: tuple[str, ...]


def choose_model(workload: Workload, hardware: Hardware) -> Choice:
    """Walk the ranking from the most capable model down and take the first whose plan meets the targets.

    When none does, the last one is returned with its "no".
    """
    names = ranking(workload.task)
    for position, name in enumerate(names):
        model = find_model(name, offline=True)
        last = position == len(names) - 1
        if not last and not worth_a_look(model, workload, hardware):
            continue
        if last or verdict_for(model, workload, hardware, depth=False).meets_targets:
            return _choice(model, names, position, workload, hardware)
    raise AssertionError("a ranking is never empty: a test holds that")


def _choice(model: ModelSpec, names: tuple[str, ...], position: int, workload: Workload, hardware: Hardware) -> Choice:
    verdict = verdict_for(model, workload, hardware)
    found = "the first" if verdict.meets_targets else "the last, and not even it is one,"
    because = (
        f"no model was named: {model.hf_id} is {found} of {len(names)} in the ranking for {workload.task!r}, "
        f"most capable first, whose plan meets the targets here (place {position + 1})"
    )
    steps = (_step_up(names, position, workload, hardware), _step_down(names, position, workload, hardware))
    return Choice(model=model, verdict=verdict, because=because, steps=tuple(step for step in steps if step))


def _step_up(names: tuple[str, ...], position: int, workload: Workload, hardware: Hardware) -> str:
    """The next more capable model, and what it would need."""
    if position == 0:
        return ""
    model = find_model(names[position - 1], offline=True)
    change = hardware_for(model, workload, hardware)
    need = f"would need {change.change}: {change.result}" if change else "meets the targets on no card that was tried"
    return f"one step up: {model.hf_id} {need}"


def _step_down(names: tuple[str, ...], position: int, workload: Workload, hardware: Hardware) -> str:
    """The next smaller model that also meets the targets, and what it would give."""
    for name in names[position + 1 :]:
        model = find_model(name, offline=True)
        if not worth_a_look(model, workload, hardware):
            continue
        verdict = verdict_for(model, workload, hardware, depth=False)
        if verdict.meets_targets:
            return f"one step down: {model.hf_id} would give {outcome(verdict)}"
    return ""
