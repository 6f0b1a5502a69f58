"""One change of the question: what to type or do, and the question as it is then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from advisor.decide.reach import reachable
from advisor.schema import Change, Hardware, Question, Verdict, Workload, value
from advisor.verdict import roomy, verdict_for
from advisor.workload.key import Key
from advisor.workload.keys import OF_WORKLOAD
from advisor.workload.kinds import NotAccepted


@value
class Step:
    """A change that may turn a no into a yes."""

    change: str  # flags as they are typed, or what to do at the machine
    question: Question
    usd_per_hour: float | None = None


Search = Callable[[Question], Iterator[Step]]  # steps after which it is a yes, the best first


def is_yes(question: Question, *, further: bool = True) -> bool:
    """Whether the answer would be yes: nothing else of the verdict is worked out.

    Args:
        further: also try what is tried before a no; without it a yes may be missed, and a search is ten times as quick.
    """
    return reachable(roomy(question), further=further)


def asking(question: Question, **other: Any) -> Question:
    """The same question with other keys of the workload."""
    return replace(question, workload=replace(question.workload, **other))


def changed(question: Question, before: str = "", remark: str = "", /, **other: Any) -> Step:
    """That as a step, in words as they are typed: `before`, the option of each key, and a remark behind them."""
    typed = " ".join(_typed(OF_WORKLOAD[name], found) for name, found in other.items())
    return Step(change=f"{before}{typed}{remark}", question=asking(question, **other))


def _typed(key: Key, found: object) -> str:
    """`--offline`, `--no-offline`, `--users 5`."""
    if isinstance(found, bool):
        return key.flag if found else key.off
    return f"{key.flag} {found:g}" if isinstance(found, float) else f"{key.flag} {found}"


def accepted(**keys: Any) -> bool:
    """Whether these keys of a workload can be typed so: what is found may lie beyond what is accepted."""
    try:
        return all(OF_WORKLOAD[name].kind.read(found) == found for name, found in keys.items())
    except NotAccepted:
        return False


def on(question: Question, hardware: Hardware) -> Question:
    """The same question about another machine."""
    return replace(question, hardware=hardware)


def joined(first: Step, second: Step) -> Step:
    """Both changes."""
    between = " " if second.change.startswith("--") and first.change.startswith("--") else ", and "
    return replace(second, change=f"{first.change}{between}{second.change}")


def change_of(step: Step, outcome: Callable[[Verdict, Workload], str]) -> Change | None:
    """The step with what it gives, as the same question says it when it is typed; None where that is a no after all."""
    verdict = verdict_for(step.question, depth=False)
    if not verdict.meets_targets:
        return None
    return Change(change=step.change, result=outcome(verdict, step.question.workload), usd_per_hour=step.usd_per_hour)
