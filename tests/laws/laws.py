"""The laws, each about one question: what it yields is what broke it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

from advisor.decide.judge import carried_per_s, serves
from advisor.decide.prefer import patient
from advisor.decide.reach import worth_trying
from advisor.engines import ENGINES
from advisor.errors import BadInput
from advisor.estimate import estimate, latency_s, speed_at
from advisor.models.thinking import written_tokens
from advisor.propose import engines_for, levers, propose
from advisor.schema import Estimate, Question, Speed, Verdict
from advisor.search.bounds import worth_a_look
from advisor.search.nearest import nearest_yes
from advisor.search.step import is_yes
from advisor.verdict import verdict_for
from tests.laws import changes
from tests.laws.questions import typed

MORE_MACHINE = (changes.more_cards, changes.more_memory, changes.more_bandwidth, changes.more_compute)
LESS_ASKED = (changes.looser_targets, changes.shorter_context)
FORMATS = (  # of about 4 bits and more: what loses more is planned only when it is typed
    "q8_0",
    "q6_K",
    "q4_K_M",
    "f16",
    "bf16",
    "fp8",
    "awq-int4",
    "gptq-int4",
    "w4a16",
    "int8-w8a8",
    "nvfp4",
)
PEOPLE = (1, 2, 3, 5, 8, 13, 25, 40, 80, 200, 600, 1500)
AS_FAST = 1.01  # of the engine's default: the hair that nobody can tell


class Asked:
    """The random question of a number, and its verdict, worked out once for all laws about it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.dice = random.Random(number)

    @cached_property
    def question(self) -> Question:
        """What is asked."""
        return typed(self.number).asked()

    @cached_property
    def verdict(self) -> Verdict:
        """What is answered."""
        return verdict_for(self.question, depth=False)

    @cached_property
    def is_yes(self) -> bool:
        """Whether that is a yes."""
        return self.verdict.meets_targets if "verdict" in vars(self) else is_yes(self.question)


def cards(verdict: Verdict) -> int:
    """Cards in use; 0 where nothing runs."""
    return verdict.winner.estimate.candidate.cards_in_all if verdict.winner else 0


def output(verdict: Verdict) -> float:
    """Tokens a second of the plan over all requests; 0 where nothing runs."""
    return carried_per_s(verdict.winner) if verdict.winner else 0.0


def more_of_the_machine(asked: Asked) -> Iterator[str]:
    """More cards, memory, bandwidth or compute never turn a yes into a no."""
    grown = MORE_MACHINE[asked.number // 7 % 4](asked.question, asked.dice)
    if grown is not None and asked.is_yes and not is_yes(grown):
        yield f"a no with more: {grown.hardware.accelerators}"


def more_load(asked: Asked) -> Iterator[str]:
    """More load never turns a no into a yes, nor a plan into one of fewer cards."""
    loaded = changes.more_load(asked.question, asked.dice)
    assert loaded is not None
    before, after = asked.verdict, verdict_for(loaded, depth=False)
    if after.meets_targets and (not before.meets_targets or cards(after) < cards(before)):
        yield f"{before.summary} / {after.summary}"


def less_asked(asked: Asked) -> Iterator[str]:
    """Looser targets or a shorter context never turn a yes into a no, nor cost more cards.

    Where nobody waits every card is there to be used, so that more of them are, where they give more output.
    """
    looser = LESS_ASKED[asked.number // 7 % 2](asked.question, asked.dice)
    if looser is None:
        return
    before, after = asked.verdict, verdict_for(looser, depth=False)
    pays = patient(looser) and output(after) > output(before)
    if before.meets_targets and (not after.meets_targets or (cards(after) > cards(before) and not pays)):
        yield f"{before.summary} / {after.summary}"


def nothing_forced(asked: Asked) -> Iterator[str]:
    """What a named engine or a format of about 4 bits and more meets is met without the name too."""
    free = changes.asking(asked.question, engine="auto", quantization="auto")
    dice = asked.dice
    engine, form = dice.choice((("auto", dice.choice(FORMATS)), (dice.choice(("ollama", "vllm")), "auto")))
    try:
        forced = is_yes(changes.asking(asked.question, engine=engine, quantization=form))
    except BadInput:
        return  # no engine reads the format
    if forced and not is_yes(free):
        yield f"a yes with {engine}, {form} only"


def same_again(asked: Asked) -> Iterator[str]:
    """The same question typed again gets the same verdict, and the search for a yes says what the verdict says."""
    if verdict_for(typed(asked.number).asked(), depth=False) != asked.verdict:
        yield "another verdict the second time"
    if asked.verdict.meets_targets != is_yes(asked.question):
        yield "the search for a yes and the verdict differ"


def has_figures(asked: Asked) -> Iterator[str]:
    """A yes is about something that fits and is predicted; a no of a plan that starts names the target it misses."""
    winner = asked.verdict.winner
    known = winner is not None and winner.estimate.memory.fits and winner.estimate.peak_speed is not None
    if asked.verdict.meets_targets and not known:
        yield "a yes without a figure"


def slots_for_the_peak(asked: Asked) -> Iterator[str]:
    """Slots are those of the final load: fewer than its peak only where memory or a target holds no more."""
    winner = asked.verdict.winner
    if winner is not None and winner.estimate.peak_speed is not None:
        candidate = winner.estimate.candidate
        told = {finding.rule for finding in winner.findings}
        if candidate.max_in_flight * candidate.replicas < winner.estimate.peak_in_flight and "FIT108" not in told:
            yield "fewer slots than the peak, and nothing says so"


def no_worse_than_default(asked: Asked) -> Iterator[str]:
    """At the planned load an answer takes no longer than with the engine's own settings on the same cards.

    Settings trade one figure for another as the targets ask, so that a default counts where it spoils no target. Not
    compared: one that cuts prompts short, does not fit, or runs more on the CPU. It gets the plan's context and its
    share of the memory too: the first was asked for, of the second the machine leaves no more.
    """
    winner, question = asked.verdict.winner, asked.question
    if winner is None or winner.estimate.speed is None:
        return
    found, written = winner.estimate, written_tokens(question.workload, question.model)
    default, ours = _default_speed(found, question), speed_at(found.candidate, found.peak_in_flight, question)
    if default is None or ours is None or changes.spoils(default, ours, question):
        return
    if latency_s(ours, written) > AS_FAST * latency_s(default, written):
        yield f"an answer takes {latency_s(ours, written)} s, by default {latency_s(default, written)} s"


def _default_speed(found: Estimate, question: Question) -> Speed | None:
    """With the engine's own settings at the peak load; None where they do not serve these requests at all."""
    candidate, engine = found.candidate, ENGINES[found.candidate.engine]
    default = engine.as_installed(candidate, question.hardware, question.model)
    if default.context_tokens < candidate.context_tokens or default.cpu_layers > candidate.cpu_layers:
        return None
    default = replace(default, context_tokens=candidate.context_tokens, memory_utilization=candidate.memory_utilization)
    if not engine.memory(default, question.hardware, question.model).fits:
        return None
    return speed_at(default, found.peak_in_flight, question)


def nothing_dropped_meets(asked: Asked) -> Iterator[str]:
    """What a look spares a search is no yes: neither a way of an engine, nor the question as a whole."""
    question = asked.question
    usual = propose(question.hardware, question.workload, question.model)
    further = (
        levers(question.hardware, question.workload, question.model, name) for name in engines_for(question.workload)
    )
    for way in dict.fromkeys([*usual, *chain.from_iterable(further)]):
        if not worth_trying(way, question) and serves(estimate(way, question), question):
            yield f"dropped, and a yes: {way}"
    if asked.is_yes and not worth_a_look(question):
        yield "a yes that the bounds drop"


def along_the_load(asked: Asked) -> Iterator[str]:
    """From one person to 1,500 the advised engine changes at most once, yes or no, and no yes has fewer cards."""
    key = "concurrency" if asked.question.workload.concurrency is not None else "users"
    found = [verdict_for(_plain(asked, **{key: load}), depth=False) for load in PEOPLE]
    told = [f"{verdict.engine} on {cards(verdict)}" for verdict in found if verdict.meets_targets]
    if sum(one.engine != other.engine for one, other in pairwise(found)) > 1:
        yield f"{[verdict.engine for verdict in found]}"
    if any(cards(one) > cards(other) for one, other in pairwise(found) if other.meets_targets):
        yield f"fewer cards for more people: {told}"


def capacity(asked: Asked) -> Iterator[str]:
    """ "Up to N" is asked again: yes at N, no at N + 1, over all ways to use the cards."""
    verdict = verdict_for(asked.question)
    for key, most in (("users", verdict.capacity_users), ("concurrency", verdict.capacity_in_flight)):
        if most is not None and not is_yes(_plain(asked, **{key: most})):
            yield f"no at {key} {most}"
        if most is not None and is_yes(_plain(asked, **{key: most + 1})):
            yield f"yes at {key} {most} + 1"


def _plain(asked: Asked, **load: Any) -> Question:
    """The same asked about a number only."""
    return changes.asking(asked.question, **{"users": 1, "concurrency": None, "request_rate": None, **load})


def every_no_has_a_remedy(asked: Asked) -> Iterator[str]:
    """A no names at least one change, none of them fewer of the cards one owns, and each that is typed is a yes."""
    if asked.is_yes:
        return
    found = nearest_yes(asked.question)
    if not found:
        yield "no remedy"
    own = asked.question.hardware.accelerators[0].name
    for line in (one.change for one in found):
        if line.startswith("--gpu") and line.split('"')[1] == own:
            yield f"fewer of one's cards: {line}"
        again = typed(asked.number).with_flags(line)
        if again is not None and not verdict_for(again.asked(), depth=False, quick=True).meets_targets:
            yield f"a no when it is typed: {line}"
