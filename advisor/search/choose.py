"""Which model, when none was named: the best scored one for the task whose plan meets the targets here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from advisor.catalog import constants, weights_format
from advisor.catalog.entries import Placed
from advisor.catalog.ranking import placed, score_of
from advisor.decide import misses
from advisor.decide.judge import overrun_of
from advisor.decide.prefer import as_published
from advisor.models.names import catalogue_model
from advisor.models.thinking import somebody_waits, thinking, thinks
from advisor.schema import ModelSpec, Question, Verdict, value
from advisor.search.bounds import worth_a_look
from advisor.search.option import Option, merit
from advisor.search.step import is_yes
from advisor.verdict import verdict_for

Ask = Callable[[ModelSpec], Question]
SHOWN = 3  # the pick, and those that lost to it
_MOST_WITHHELD = 4  # of those that were left out, as many are named
_MIDDLE, _SMALL = 40e9, 10e9  # parameters, as models of one and of few cards are
_MOST_TRIED = 12  # runners-up that are judged: below the pick nearly every one meets the targets


@value
class Choice:
    """The question about the chosen model with its verdict, why it was chosen, and what it was chosen from."""

    question: Question
    verdict: Verdict
    because: str
    steps: tuple[str, ...]
    options: tuple[Option, ...]  # the best that meet the targets, the chosen one first


def choose_model(task: str, ask: Ask, *, others: bool = True) -> Choice:
    """Walk the ranking from the best model down and take the first whose plan meets the targets.

    One whose answer begins only after long thought is taken where no other meets them. When none does, or only one that
    is far worse than what runs here, what comes nearest to the targets is returned with its "no".

    Args:
        others: also which models would do instead, and what a better one needs: a third of the time of an answer.
    """
    listed = [one for one in placed(task) if not one.withheld]
    front = [one for one in listed if not one.outdone]
    ask = _once(ask)
    slow, best = "", None
    thinker: Placed | None = None
    for one in front:
        question = ask(catalogue_model(one.hf_id))
        if one is not front[-1] and not worth_a_look(question):
            continue
        if is_yes(within_patience(question)):
            better = thinker or best
            if better is None or not poor(one, better):
                return _choice(one, listed, ask, slow, others)
            break
        if thinker is None and _thinks_long(question) and is_yes(question):
            thinker = one
            late = verdict_for(within_patience(question), depth=False) if others else None
            slow = slow or (_slow(one.hf_id, late, question) if late else "")
            continue
        if best is None:
            verdict = verdict_for(question, depth=False)
            best = one if verdict.winner is not None else None
            slow = _slow(one.hf_id, verdict, question)
    nearest = _nearest(front, best, ask) if best and thinker is None else None
    return _choice(thinker or nearest or front[-1], listed, ask, slow, others)


def best_by_size(task: str) -> tuple[str, ...]:
    """For whoever names none: the best scored for the task of the middle, the small and all sizes, each once."""
    front = [one.hf_id for one in placed(task) if not one.withheld and not one.outdone]
    sizes = {name: catalogue_model(name).parameters for name in front}
    found = (next((name for name in front if sizes[name] <= most), None) for most in (_MIDDLE, _SMALL, math.inf))
    return tuple(dict.fromkeys(name for name in found if name is not None))


def poor(one: Placed, better: Placed) -> bool:
    """Whether nobody would want it beside the better one."""
    margin = (1 - float(constants("ranking")["least_share"])) * abs(better.place)  # estimated scores may be below zero
    return one.place < better.place - margin


def _nearest(front: Iterable[Placed], best: Placed, ask: Ask) -> Placed:
    """Of what is worth having beside the best that runs, what overruns its targets least; the best if all do far."""

    def overruns(one: Placed) -> float:
        question = ask(catalogue_model(one.hf_id))
        winner = verdict_for(question, depth=False).winner if worth_a_look(question) else None
        return overrun_of(winner, question) if winner else math.inf

    found = {one: overruns(one) for one in front if one.place <= best.place and not poor(one, best)}
    least = min(found, key=lambda one: found[one])
    return least if found[least] <= constants("ranking")["near"] else best


def within_patience(question: Question) -> Question:
    """The question with the time that somebody waits for an answer to begin, where the model thinks before it."""
    if not _thinks_long(question):
        return question
    most = float(constants("ranking")["answer_begins_s"]) * 1000
    return replace(question, workload=replace(question.workload, first_answer_ms=most))


def _thinks_long(question: Question) -> bool:
    """Whether a person waits for what the model thinks, and nobody said how long that may take."""
    asked = question.workload
    waits = somebody_waits(asked) and asked.first_answer_ms is None
    return waits and thinking(asked, question.model).tokens > 0


def _once(ask: Ask) -> Ask:
    """Each question is one value: what was estimated for it counts for the whole choice."""
    asked: dict[str, Question] = {}

    def remembered(model: ModelSpec) -> Question:
        if model.hf_id not in asked:
            asked[model.hf_id] = ask(model)
        return asked[model.hf_id]

    return remembered


def _slow(hf_id: str, verdict: Verdict, question: Question) -> str:
    """The best model that runs here, and the target that it misses."""
    if verdict.winner is None:
        return ""
    told = "; ".join(finding.message for finding in misses(verdict.winner))
    known = merit(hf_id, question.workload.task)
    return f"better scored, and runs here, but misses a target: {hf_id} ({known}): {told}"


def _choice(chosen: Placed, listed: list[Placed], ask: Ask, slow: str, others: bool) -> Choice:
    question = ask(catalogue_model(chosen.hf_id))
    verdict = verdict_for(question)
    front = [one for one in listed if not one.outdone]
    task, place = question.workload.task, front.index(chosen)
    found = "the first" if verdict.meets_targets else "what comes nearest here, and not one"
    because = (
        f"no model was named: {chosen.hf_id} ({merit(chosen.hf_id, task)}) is {found} of {len(front)} in the ranking "
        f"for {task!r}, best score first, whose plan meets the targets here (place {place + 1})"
    )
    beyond = (_step_up(front[:place], ask), _withheld(chosen, task, ask)) if others else ()
    steps = (_bits(verdict, question), _thought(question), slow, *beyond)
    options = _options(chosen, verdict, listed, ask) if others and verdict.meets_targets else ()
    return Choice(
        question=question, verdict=verdict, because=because, steps=tuple(filter(None, steps)), options=options
    )


def _options(chosen: Placed, verdict: Verdict, listed: list[Placed], ask: Ask) -> tuple[Option, ...]:
    """The pick, and the best below it that meet the targets too."""
    task = ask(catalogue_model(chosen.hf_id)).workload.task
    found = [Option(hf_id=chosen.hf_id, task=task, verdict=verdict)]
    below = (one for one in listed if one.place <= chosen.place and one is not chosen)
    for one, question in islice(_promising(below, ask), _MOST_TRIED):
        if is_yes(within_patience(question), further=False):
            found.append(Option(hf_id=one.hf_id, task=task, verdict=verdict_for(question, depth=False)))
        if len(found) == SHOWN:
            break
    return tuple(found)


def _promising(models: Iterable[Placed], ask: Ask) -> Iterator[tuple[Placed, Question]]:
    for one in models:
        question = ask(catalogue_model(one.hf_id))
        if worth_a_look(question):
            yield one, question


def _bits(verdict: Verdict, question: Question) -> str:
    """What the score does not know about the weights that are served."""
    if verdict.winner is None or score_of(question.model.hf_id, question.workload.task) is None:
        return ""
    used = weights_format(verdict.winner.estimate.candidate.weights_format)
    if used.quality_tier == "A" or as_published(used.name, question.model):
        return ""
    return (
        f"scores are of the weights as published; none is known of {used.title}, so what that loses (quality tier "
        f"{used.quality_tier}) changes no place, and no model is offered unasked below about 4 bits"
    )


def _thought(question: Question) -> str:
    """What the score does not know about how the model is asked."""
    if not thinks(question.model) or thinking(question.workload, question.model).level == "usual":
        return ""
    if score_of(question.model.hf_id, question.workload.task) is None:
        return ""
    return "the score may be of answers after long thought; planned is the least that the model offers"


def _step_up(above: list[Placed], ask: Ask) -> str:
    """The smallest of the better models, and what it would need."""
    if not above:
        return ""
    from advisor.search.nearest import hardware_for  # the short answer names no other models

    question = min((ask(catalogue_model(one.hf_id)) for one in above), key=lambda asked: asked.model.parameters)
    change = hardware_for(question)
    need = f"would need {change.change}: {change.result}" if change else "meets the targets on no card that was tried"
    return f"one step up: {question.model.hf_id} ({merit(question.model.hf_id, question.workload.task)}) {need}"


def _withheld(chosen: Placed, task: str, ask: Ask) -> str:
    """Better scored models that would fit, and why they are planned only when they are named."""
    better = (one for one in placed(task) if one.withheld and one.scored and one.place > chosen.place)
    fitting = [one for one in better if worth_a_look(ask(catalogue_model(one.hf_id)))]
    if not fitting:
        return ""
    told = "; ".join(f"{one.hf_id} ({merit(one.hf_id, task)}; {one.withheld})" for one in fitting[:_MOST_WITHHELD])
    return f"scored higher, but planned only when named with --model: {told}"
