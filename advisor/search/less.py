"""What can be asked less of: precision, context, people, latency; or another engine than the one named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from advisor.catalog import formats
from advisor.models.thinking import first_answer_s, somebody_waits, thinking, written_tokens
from advisor.physics.bisect import narrowed
from advisor.schema import Question, Speed
from advisor.search.step import Step, accepted, asking, changed, is_yes
from advisor.verdict import verdict_for

_GRAIN = 1 / 64
_STEP_TOKENS = 1024  # of a context that one would type
_LONGER = 1.1  # a target that turned out too tight is loosened by so much again
_MOST_TRIES = 6


def less(question: Question) -> Iterator[Step]:
    """The changes after which it is a yes, the least painful first."""
    searches = (
        _other_engine,
        _other_quantization,
        _shorter_context,
        _fewer_passages,
        _fewer,
        _relaxed_targets,
        _offload,
    )
    for search in searches:
        yield from search(question)


def extremes(question: Question) -> Iterator[Step]:
    """Each of them as far as it goes, whether it is enough or not: what a second change is tried on."""
    workload = question.workload
    if workload.engine != "auto":
        yield changed(question, engine="auto")
    if workload.quantization != "auto":
        yield changed(question, quantization="auto")
    least = min(workload.input_tokens + written_tokens(workload, question.model), question.model.context_trained)
    if least < workload.context_tokens:
        yield changed(question, context_tokens=least)
    if (key := _load_key(question)) is not None:
        yield changed(question, **{key: 1})


def _other_engine(question: Question) -> Iterator[Step]:
    if question.workload.engine not in ("auto", "both"):
        step = changed(question, engine="auto")
        if is_yes(step.question):
            yield step


def _other_quantization(question: Question) -> Iterator[Step]:
    if question.workload.quantization == "auto":
        return
    auto = changed(question, quantization="auto")
    verdict = verdict_for(auto.question, depth=False)
    if verdict.meets_targets and verdict.winner:
        named = changed(question, quantization=verdict.winner.estimate.candidate.weights_format)
        yield named if is_yes(named.question) else auto


def coarser(question: Question) -> Iterator[Step]:
    """Below about 4 bits nothing is planned unasked: the finest such weights that are a yes, with what they cost."""
    if question.workload.quantization != "auto":
        return
    visible = [entry for entry in formats().values() if entry.quality_tier == "C"]
    for entry in sorted(visible, key=lambda entry: -entry.linear_bits):
        loss = f" (about {entry.linear_bits:.1f} bits a weight, at a visible loss of quality)"
        named = changed(question, "", loss, quantization=entry.name)
        if is_yes(named.question):
            yield named
            return


def _shorter_context(question: Question) -> Iterator[Step]:
    need = question.workload.input_tokens + written_tokens(question.workload, question.model)
    now = question.workload.context_tokens
    found = _longest(question, need, now, _STEP_TOKENS) or _longest(question, need, now, 1)  # round numbers first
    if found:
        yield changed(question, context_tokens=found)


def _longest(question: Question, need: int, now: int, step: int) -> int:
    """The longest context in whole steps that is a yes; 0: none is."""

    def reads(steps: int) -> bool:
        return is_yes(asking(question, context_tokens=steps * step))

    return step * (_most(reads, math.ceil(need / step), math.ceil(now / step), _GRAIN) or 0)


def _fewer_passages(question: Question) -> Iterator[Step]:
    """So many of what the search hands on; the first stage keeps its best ones."""
    now = question.workload.passages
    found = _most(lambda number: is_yes(asking(question, passages=number)), 1, now) if now > 1 else None
    if found:
        yield changed(question, passages=found)


def _load_key(question: Question) -> str | None:
    """The key of the workload that says how many; None where there is no fewer."""
    workload = question.workload
    if workload.request_rate is not None:
        return None
    key = "concurrency" if workload.concurrency is not None else "users"
    return key if getattr(workload, key) > 1 else None


def _fewer(question: Question) -> Iterator[Step]:
    rate = question.workload.request_rate
    if rate is not None:
        rates = (rate / 2**step for step in range(1, 12) if accepted(request_rate=float(_short(rate / 2**step))))
        slower = (changed(question, request_rate=float(_short(found))) for found in rates)
        yield from islice((step for step in slower if is_yes(step.question)), 1)
        return
    key = _load_key(question)
    if key is None:
        return
    now: int = getattr(question.workload, key)
    found = _most(lambda number: is_yes(asking(question, **{key: number})), 1, now)
    if found:
        yield changed(question, **{key: found})


def _short(rate: float) -> str:
    return f"{rate:.3g}"


def _most(holds: Callable[[int], bool], least: int, now: int, grain: float = 0.0) -> int | None:
    """The largest number from `least` to below `now` that is a yes; None: not even `least` is, or it is not below.

    Args:
        grain: how far below it the result may lie, as a share of it. Of people there is none: the verdict says beside
            it how many the machine carries.
    """
    if least >= now or not holds(least):
        return None
    return narrowed(lambda number: holds(number) or None, (least, True), now, grain=grain)[0]


def _offload(question: Question) -> Iterator[Step]:
    if question.workload.allow_offload or not question.hardware.accelerators:
        return
    allowed = changed(question, allow_offload=True)
    if is_yes(allowed.question):
        yield allowed
    else:
        yield from _relaxed_targets(allowed.question, f"{allowed.change} ")


def _relaxed_targets(question: Question, before: str = "") -> Iterator[Step]:
    """Targets that the way which serves people best does keep."""
    workload = question.workload
    if not somebody_waits(workload):
        return
    winner = verdict_for(question, depth=False, shown=True).winner
    if before and (winner is None or winner.estimate.candidate.cpu_layers == 0):
        return  # the change before it plays no part
    speed = winner.estimate.peak_speed if winner else None
    if speed is None:
        thought = thinking(workload, question.model).tokens
        patient = asking(question, ttft_ms=None, tpot_ms=None, first_answer_ms=None, reasoning_tokens=thought)
        if winner is not None and is_yes(patient):
            yield Step(change=f"{before}no latency targets", question=patient)
        return
    wanted = _judged_ms(speed, question)
    for attempt in range(_MOST_TRIES):
        looser = _loosened(question, {key: seen * _LONGER**attempt for key, seen in wanted.items()}, before)
        if looser is not None and is_yes(looser.question):
            yield _as_served(looser, question, before)
            return


def _judged_ms(speed: Speed, question: Question) -> dict[str, float]:
    """What each target is compared with."""
    return {
        "ttft_ms": speed.ttft_p95_s.expected * 1000,
        "tpot_ms": speed.tpot_p95_s.expected * 1000,
        "first_answer_ms": first_answer_s(speed, question.workload, question.model).expected * 1000,
    }


def _loosened(question: Question, wanted: Mapping[str, float], before: str) -> Step | None:
    """Every target that is shorter than that, set to it; None where there is none, or it cannot be typed."""
    asked = {key: getattr(question.workload, key) for key in wanted}
    longer = {key: _rounded(seen) for key, seen in wanted.items() if asked[key] is not None and seen > asked[key]}
    return changed(question, before, **longer) if longer and accepted(**longer) else None


def _as_served(looser: Step, question: Question, before: str) -> Step:
    """No looser than what is served then: another way than the one whose figures were taken may keep more targets."""
    winner = verdict_for(looser.question, depth=False).winner
    speed = winner.estimate.peak_speed if winner else None
    least = _loosened(question, _judged_ms(speed, question), before) if speed else None
    return least if least is not None and is_yes(least.question) else looser


def _rounded(milliseconds: float) -> int:
    """Up to the next whole one, and to three digits where there are more."""
    step = 10.0 ** max(math.floor(math.log10(max(milliseconds, 1))) - 2, 0)
    return int(math.ceil(milliseconds / step) * step)
