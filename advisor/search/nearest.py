"""The answer is no: which change turns it into yes. Single changes first, then pairs; each was computed to be a yes.

What can be done at the machine in front of us costs nothing and comes first, with its command; then what can be asked
less of; then what can be bought, by price; then a smaller model. Fewer of the cards one owns is no remedy.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from advisor.catalog import engine_limits, weights_format
from advisor.schema import Change, Question, Verdict, Workload
from advisor.search.here import free_steps, possible
from advisor.search.less import coarser, extremes, less
from advisor.search.more import another_card, another_model, largest, more_nodes, more_of_the_same, smaller_model
from advisor.search.step import Search, Step, change_of, joined
from advisor.units import count, ms, several

SINGLES: tuple[Search, ...] = (
    free_steps, less, coarser, more_of_the_same, more_nodes, another_card, smaller_model
)  # fmt: skip
PAIRS: tuple[Search, ...] = (less, more_of_the_same, another_card)
PAIRS_SHOWN = 3
_BEARABLE = 10  # times the target that was asked for


def nearest_yes(question: Question) -> tuple[Change, ...]:
    """Changes that make it a yes, what costs nothing first; pairs of them where no single one does."""
    steps = [step for search in SINGLES for step in search(question)]
    singles = _changes(step for step in steps if _bearable(step, question)) or _changes(iter(steps))
    return singles or _changes(islice(pairs(question), PAIRS_SHOWN)) or _changes(islice(other_models(question), 1))


def _bearable(step: Step, question: Question) -> bool:
    """Whether somebody would wait that long: else it is told only where nothing else helps."""
    before, after = question.workload, step.question.workload
    pairs = ((getattr(before, name), getattr(after, name)) for name in ("ttft_ms", "tpot_ms", "first_answer_ms"))
    return all(new is None or old is None or new <= _BEARABLE * old for old, new in pairs)


def pairs(question: Question) -> Iterator[Step]:
    """Two changes that make it a yes together."""
    for first in chain(possible(question), extremes(question)):
        for search in PAIRS:
            yield from (joined(first, second) for second in search(first.question))


def other_models(question: Question) -> Iterator[Step]:
    """Where no engine has this model for such people: another one, at last on other cards."""
    yield from another_model(question)
    for first in chain(extremes(question), largest(question)):
        yield from (joined(first, second) for second in another_model(first.question))


def hardware_for(question: Question) -> Change | None:
    """The first change of hardware that makes it a yes: more of the same card, else the cheapest other one."""
    found = _changes(islice(chain(more_of_the_same(question), another_card(question)), 1))
    return found[0] if found else None


def outcome(verdict: Verdict, workload: Workload) -> str:
    """What the change gives, in one line; of a model that writes nothing the time of one request."""
    if verdict.winner is None:
        return "no"
    candidate, speed = verdict.winner.estimate.candidate, verdict.winner.estimate.peak_speed
    cards = candidate.cards_in_all
    where = "CPU" if candidate.device == "cpu" else several(cards, "GPU")
    where += f" of {candidate.nodes} machines" if candidate.nodes > 1 else ""
    waits = f"first token {ms(speed.ttft_p95_s.expected)} (p95)" if speed else ""
    pace = f", {count(1 / speed.tpot_s.expected)} tokens/s each, {waits}" if speed else ""
    if speed and workload.pooled:
        pace = f", a {workload.made} takes {ms(speed.ttft_p95_s.expected)} (p95)"
    return f"{engine_limits(verdict.engine).title} on {where}, {weights_format(candidate.weights_format).title}{pace}"


def _changes(steps: Iterator[Step]) -> tuple[Change, ...]:
    return tuple(change for step in steps if (change := change_of(step, outcome)) is not None)
