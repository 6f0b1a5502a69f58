"""Laws of the verdict over thousands of random questions: whatever the card, the model, the load and the wishes.

Each question is asked once and changed in one way, in turn; what costs many verdicts is held on some of them. The
number of a question is its seed, so that a broken law is asked again by its number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from advisor.verdict import verdict_for
from tests.laws import laws
from tests.laws.laws import Asked
from tests.laws.questions import typed

Law = Callable[[Asked], Iterator[str]]
NIGHTLY = bool(os.environ.get("ADVISOR_NIGHTLY"))
QUESTIONS = 5000 if NIGHTLY else 3000
CHUNKS = 20
IN_TURN: tuple[Law, ...] = (
    laws.more_of_the_machine,
    laws.more_load,
    laws.less_asked,
    laws.nothing_forced,
    laws.same_again,
    laws.more_load,
    laws.less_asked,
)
OF_EVERY_VERDICT: tuple[Law, ...] = (laws.has_figures, laws.slots_for_the_peak, laws.no_worse_than_default)
OF_SOME: dict[Law, int] = {  # which ask for many verdicts: of so many questions one
    laws.along_the_load: 20 if NIGHTLY else 100,
    laws.capacity: 15 if NIGHTLY else 60,
    laws.nothing_dropped_meets: 15 if NIGHTLY else 60,
    laws.every_no_has_a_remedy: 15 if NIGHTLY else 100,
}


def broken(law: Law, asked: Asked) -> list[str]:
    """What broke the law, with the number to ask again."""
    return [f"question {asked.number}, {law.__name__}: {said}" for said in law(asked)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_question_obeys_its_law(chunk: int) -> None:
    """Each random question, changed in one of the ways in turn, obeys the law about that change."""
    found = []
    for number in range(chunk, QUESTIONS, CHUNKS):
        asked = Asked(number)
        found += broken(IN_TURN[number % len(IN_TURN)], asked)
        if "verdict" in vars(asked):
            found += [said for law in OF_EVERY_VERDICT for said in broken(law, asked)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("law", OF_SOME, ids=lambda law: law.__name__)
def test_some_questions_obey_the_laws_of_many_verdicts(law: Law, chunk: int) -> None:
    """Engine along the load, capacity and remedies: each asks again what the answer said."""
    numbers = range(0, QUESTIONS, OF_SOME[law])
    found = [said for number in numbers[chunk::CHUNKS] for said in broken(law, Asked(number))]
    assert not found, "\n".join(found)


def test_the_same_question_has_the_same_answer() -> None:
    """Curve, crossover, capacity and every loser are the same each time."""
    for number in range(0, 3000, 300):
        assert verdict_for(typed(number).asked()) == verdict_for(typed(number).asked())
