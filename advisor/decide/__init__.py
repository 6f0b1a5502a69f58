"""`decide(estimates, question) -> Verdict`: every rule, the best way of each engine, engine against engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from advisor.catalog import engine_limits, weights_format
from advisor.compare import crossover, curve
from advisor.decide.capacity import capacity
from advisor.decide.confidence import confidence
from advisor.decide.engines import Ways, contest_of, winner_of, with_lead
from advisor.decide.judge import equal_bits, judge, misses, tokens_per_s, vetoed
from advisor.decide.prefer import chosen, difference, ordered, preference
from advisor.decide.reach import every_way, with_levers
from advisor.decide.rests import rests_on
from advisor.decide.words import refusals_of, summary
from advisor.engines.base import May, anything
from advisor.propose import engines_for
from advisor.rules import VETO, judge_contest
from advisor.schema import Candidate, Estimate, Finding, Judged, Question, Verdict

__all__ = ["decide", "misses", "vetoed"]

NOT_AHEAD = "not ahead at any load up to 512 in flight"


def decide(
    estimates: Iterable[Estimate],
    question: Question,
    *,
    depth: bool = True,
    limits: bool = True,
    quick: bool = False,
    shown: bool = False,
    one_node: str = "",
    may: May = anything,
) -> Verdict:
    """Judge all candidates and choose.

    Args:
        estimates: every usual candidate of every engine in question; further ways are made where none is a yes.
        quick: of plans that meet the targets any usual one will do: a search wants to know that there is one.
        depth: also compute curve, crossover and capacity (a search over models needs only yes or no).
        limits: with depth, also capacity, which takes ten times as long as all else.
        shown: of a no the way that serves people best is wanted, out of all there are; it is with depth.
        one_node: why one of several machines is not enough, where that was found out before.
        may: false where a further way is known not to meet the targets.
    """
    usual = [judge(estimate, question) for estimate in estimates]
    judged = ordered(with_levers(usual, question, every=not quick, shown=depth or shown, may=may), question)
    names = tuple(engines_for(question.workload))
    able = {name: [j for j in judged if _engine(j) == name and not vetoed(j)] for name in names}
    best = {name: chosen(able[name], question) for name in names}
    ways: Ways = {name: [one.estimate.candidate for one in able[name]] for name in names}
    refusals = refusals_of(judged)
    refused = {f.engine: f.message for f in refusals if best.get(f.engine or "") is None}
    contest = with_lead(contest_of(best, question, refused), ways, question)
    cross = _crossover(best, able, question) if depth else (None, "")
    contest = replace(contest, crossover_in_flight=cross[0], one_node=one_node)
    reasons = judge_contest(contest)
    engine = winner_of(contest, reasons)
    winner = best.get(engine)
    meets = winner is not None and not misses(winner)
    preferred = preference(able[engine], question) if winner else None  # once: many ways lose to the one
    limit = capacity(_strongest_first(able, question), question) if winner and depth and limits else (None, None)
    return Verdict(
        engine=engine,
        meets_targets=meets,
        summary=_told(summary(winner, meets, question, refusals), "" if meets else rests_on(winner, judged, question)),
        confidence=confidence(winner, judged, question),
        winner=winner,
        losers=tuple(_why_lost(j, winner, reasons, preferred) for j in judged if j is not winner),
        reasons=reasons + (winner.findings if winner else ()),
        crossover_in_flight=cross[0],
        crossover_reason=cross[1],
        curve=curve(best, question) if depth else (),
        capacity_in_flight=limit[0],
        capacity_users=limit[1],
    )


def _told(*sentences: str) -> str:
    """One after the other, each with its full stop."""
    return " ".join(sentence if sentence.endswith(".") else f"{sentence}." for sentence in sentences if sentence)


def _strongest_first(able: Mapping[str, Sequence[Judged]], question: Question) -> list[Candidate]:
    """Every way there is, the usual ones by their output: what is asked first then carries the most."""
    usual = sorted((one for ways in able.values() for one in ways), key=lambda one: -tokens_per_s(one))
    return every_way([one.estimate.candidate for one in usual], question)


def _engine(judged: Judged) -> str:
    return judged.estimate.candidate.engine


def _crossover(
    best: Mapping[str, Judged | None], able: Mapping[str, Sequence[Judged]], question: Question
) -> tuple[float | None, str]:
    """The crossover of the two plans, in words for which; and for as many bits a weight, where theirs differ."""
    named = sorted((n for n, j in best.items() if j is not None), key=lambda n: engine_limits(n).simplicity)
    if len(named) < 2:
        missing = [engine_limits(name).title for name in best if name not in named]
        return None, f"{' and '.join(missing)} cannot serve this here" if len(best) > 1 else _alone(best, question)
    names = (named[0], max(named[1:], key=lambda name: tokens_per_s(best[name])))  # the simplest, the fastest other
    simple, other = (best[name] for name in names)
    if simple is None or other is None or simple.estimate.speed is None or other.estimate.speed is None:
        return None, "the speed of this device is not known"
    found, told = _crossing(simple, other, question)
    alike = _equal_bits(able[names[0]], able[names[1]])
    if alike is not None and alike != (simple, other) and not equal_bits(simple, other):
        same, pair = _crossing(*alike, question)
        told += f"; with as many bits a weight, {pair}{'' if same is None else f': {same:.1f}'}"
    return found, told


def _alone(best: Mapping[str, Judged | None], question: Question) -> str:
    """Why one engine has nobody to be compared with."""
    titles = " and ".join(engine_limits(name).title for name in best)
    both = question.workload.engine == "both"
    return f"{titles} serves everybody, the other engine a desk" if both else "only one engine was asked for"


def _crossing(simple: Judged, other: Judged, question: Question) -> tuple[float | None, str]:
    """The crossover of two ways, and of which two it is."""
    found = crossover(simple.estimate.candidate, other.estimate.candidate, question)
    titles = [
        f"{engine_limits(_engine(one)).title} ({weights_format(one.estimate.candidate.weights_format).title})"
        for one in (other, simple)
    ]
    pair = f"{titles[0]} against {titles[1]} with a slot for each request"
    return found, f"{pair}{f': {NOT_AHEAD}' if found is None else ''}"


def _equal_bits(simple: Sequence[Judged], other: Sequence[Judged]) -> tuple[Judged, Judged] | None:
    """The first two ways of both engines with about as many bits a weight."""
    return next(((one, two) for two in other for one in simple if equal_bits(one, two)), None)


def _why_lost(
    judged: Judged,
    winner: Judged | None,
    reasons: Sequence[Finding],
    preferred: Callable[[Judged], tuple[float, ...]] | None,
) -> Judged:
    """The first thing that told against it: a veto, a missed target, the other engine, or a less preferred way."""
    refusal = [f for f in judged.findings if f.severity in VETO] or list(misses(judged))
    if refusal or winner is None or preferred is None:
        return replace(judged, why_lost=f"{refusal[0].rule}: {refusal[0].message}" if refusal else "")
    if _engine(judged) != _engine(winner):
        decisive = [f for f in reasons if f.rule in ("SVC312", "SPD210", "SPD215", "SPD211")]
        told = decisive or [f for f in judged.findings if f.severity == "PERF"]
        return replace(
            judged, why_lost=f"{told[0].rule}: {told[0].message}" if told else "the other engine is preferred"
        )
    differs = difference(judged, winner, preferred)
    return replace(judged, why_lost=f"meets the targets too, but {differs}")
