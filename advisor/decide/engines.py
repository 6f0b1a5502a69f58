"""Engine against engine: both are given the same people, and the one that serves them better wins, or the simpler one.

Whether the other engine is ahead is asked of one pair of ways, those that each engine would take for a single request,
and answered as a load from which it is. So the answer changes at most once as the load grows, whatever formats and
cards the load then asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from advisor.catalog import engine_limits, weights_format
from advisor.compare import ahead_from, load_asked, load_of
from advisor.decide.capacity import carries_more
from advisor.decide.judge import answer_s, carried_per_s, judge, misses
from advisor.decide.prefer import chosen
from advisor.decide.reach import every_way
from advisor.estimate import estimate
from advisor.rules import Contest, rules, team_of
from advisor.schema import Candidate, Finding, Judged, Question

Ways = Mapping[str, Sequence[Candidate]]  # by engine, those that no rule refuses
_JUST_ABOVE_ONE = 1.01  # in flight: with a single request there is nothing to batch


def contest_of(best: Mapping[str, Judged | None], question: Question, refused: Mapping[str | None, str]) -> Contest:
    """The best of each engine side by side; which is ahead is not looked at yet."""
    able = {name: judged for name, judged in best.items() if judged is not None}
    answers = {name: answer_s(judged, question) for name, judged in able.items()}
    return Contest(
        best=best,
        misses={name: misses(judged) for name, judged in able.items()},
        simplicity={name: engine_limits(name).simplicity for name in best},
        titles={name: engine_limits(name).title for name in best},
        features={name: engine_limits(name).features for name in best},
        bits={n: weights_format(j.estimate.candidate.weights_format).linear_bits for n, j in able.items()},
        workload=question.workload,
        crossover_in_flight=None,
        answer_s={name: seconds for name, seconds in answers.items() if seconds is not None},
        tokens_per_s={name: carried_per_s(judged) for name, judged in able.items()},
        refused={name: refused.get(name, "it has no weights in this format") for name in best if name not in able},
        load=load_asked(question.workload),
    )


def with_lead(contest: Contest, ways: Ways, question: Question) -> Contest:
    """The contest with the load from which the other engine is ahead, where two can be told apart by their figures."""
    pair = _pair([n for n in (contest.meeting or contest.able) if n in contest.answer_s], contest)
    if pair is None:
        return contest
    if not contest.meeting:
        taken = _alone(pair, ways, question, _quickest)
        return replace(contest, ahead_from=_lead(taken, question, least=1.0))
    taken = _alone(pair, ways, question, chosen)
    ahead = _lead(taken, question, least=_JUST_ABOVE_ONE)
    team = team_of(contest) >= rules()["SVC312"].threshold["people"]
    level = _lead(taken, question, least=_JUST_ABOVE_ONE, level=True) if team else None
    contest = replace(contest, ahead_from=ahead, level_from=level, spilled=_spilled(pair, taken[0], contest))
    wins = any(load is not None and contest.load >= load for load in (ahead, level))
    if not wins and not contest.spilled:
        return contest
    simple, other = (every_way(ways[name], question, name) for name in pair)
    return replace(contest, outlasted=carries_more(simple, other, question))


def _spilled(pair: tuple[str, str], alone: Judged | None, contest: Contest) -> bool:
    """Whether the load makes the simpler engine take more cards than it takes for one request, and than the other."""
    simple, other = (contest.best[name] for name in pair)
    if simple is None or other is None or alone is None:
        return False
    needed = simple.estimate.candidate.cards_in_all
    return needed > max(each.estimate.candidate.cards_in_all for each in (alone, other))


def winner_of(contest: Contest, reasons: Sequence[Finding]) -> str:
    """Targets first; then what production needs; then who serves people better; then simplicity."""
    able = contest.meeting or contest.able
    able = tuple(name for name in able if name in contest.answer_s) or able  # what is predicted comes first
    if not able:
        return "none"
    if not contest.meeting:
        return _least_bad(able, contest)
    complete = [name for name in able if "SVC303" not in _rules_of(contest.best[name])] or list(able)
    if any(finding.rule in ("SPD210", "SPD215", "SVC312") for finding in reasons):
        simplest = min(able, key=lambda name: contest.simplicity[name])
        complete = [name for name in complete if name != simplest] or complete
        return min(complete, key=lambda name: contest.answer_s.get(name, 0.0))
    return min(complete, key=lambda name: contest.simplicity[name])


def _least_bad(able: Sequence[str], contest: Contest) -> str:
    """No engine meets the targets: the simplest, from some load on the other."""
    pair = _pair(able, contest)
    if pair is None:
        return able[0]
    beyond = contest.ahead_from is not None and contest.load >= contest.ahead_from
    return pair[1] if beyond else pair[0]


def _pair(able: Sequence[str], contest: Contest) -> tuple[str, str] | None:
    """The simplest engine and, of the others, the one that serves people best."""
    if len(able) < 2:
        return None
    simple = min(able, key=lambda name: contest.simplicity[name])
    others = [name for name in able if name != simple]
    return simple, min(others, key=lambda name: contest.answer_s.get(name, 0.0))


def _alone(
    pair: tuple[str, str],
    ways: Ways,
    question: Question,
    take: Callable[[Sequence[Judged], Question], Judged | None],
) -> tuple[Judged | None, Judged | None]:
    """What each engine would take for a single request."""
    alone = replace(question, workload=replace(question.workload, concurrency=1))
    simple, other = (take([judge(estimate(way, alone), alone) for way in ways[name]], alone) for name in pair)
    return simple, other


def _lead(
    taken: tuple[Judged | None, Judged | None], question: Question, *, least: float, level: bool = False
) -> float | None:
    """The load from which the second is clearly ahead of the first, or with `level` not clearly behind it."""
    simple, other = taken
    if simple is None or other is None:
        return None
    margin = margin_between(simple, other, level=level)
    found = ahead_from(simple.estimate.candidate, other.estimate.candidate, question, margin, least=least)
    # With as many in flight the slower engine has fewer people, and its own requests meet first.
    return None if found is None else load_of(found, simple.estimate.candidate, question)


def margin_between(simple: Judged, other: Judged, *, level: bool = False) -> float:
    """By how much the other must be quicker; what was never measured on such a device counts against itself."""
    known = rules()["SPD210"].threshold
    margin = 1 / known["worthwhile_gain"] if level else known["worthwhile_gain"]
    for judged, sense in ((simple, -1), (other, 1)):
        speed = judged.estimate.speed
        if speed is not None and speed.output_tokens_per_s.basis == "analytic":
            margin *= known["unmeasured"] ** sense
    return float(margin)


def _quickest(judged: Sequence[Judged], question: Question) -> Judged | None:
    able = [(seconds, place) for place, one in enumerate(judged) if (seconds := answer_s(one, question))]
    return judged[min(able)[1]] if able else None


def _rules_of(judged: Judged | None) -> set[str]:
    return {finding.rule for finding in judged.findings} if judged else set()
