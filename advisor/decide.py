"""`decide(estimates, question) -> Verdict`: rules on every candidate, then engine against engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from advisor.catalog import engine_limits, weights_format
from advisor.catalog.versions import limits_of
from advisor.compare import capacity, crossover, curve, within_targets
from advisor.engines.versions import version_of
from advisor.models.names import is_guess, replaced
from advisor.models.thinking import long_thought, somebody_waits
from advisor.physics.memory.stored import stored
from advisor.propose import engines_for
from advisor.rules import VETO, Case, Contest, judge_candidate, judge_contest, rules
from advisor.schema import Candidate, Confidence, Estimate, Finding, Judged, Question, Speed, Verdict, Workload
from advisor.units import count, ms

_TIERS = {"A": 0, "B": 1, "C": 2}
_UNSURE = ("FIT110", "OPS417")  # rules that say of a card that its speed, or its memory, is not certain
_WIDE_SPREAD = 0.08  # of a stored size: from it on a no may turn on the size


def judge(estimate: Estimate, question: Question) -> Judged:
    """Every rule that looks at one candidate."""
    candidate = estimate.candidate
    case = Case(
        estimate=estimate,
        hardware=question.hardware,
        workload=question.workload,
        model=question.model,
        limits=limits_of(candidate.engine, _version(candidate.engine, question)),
        weights_format=weights_format(candidate.weights_format),
    )
    return Judged(estimate=estimate, findings=judge_candidate(case))


def _version(engine: str, question: Question) -> str:
    return version_of(engine, question.hardware, question.workload, question.model)


def vetoed(judged: Judged) -> bool:
    """Whether a rule refuses the candidate."""
    return any(finding.severity in VETO for finding in judged.findings)


def misses(judged: Judged) -> tuple[Finding, ...]:
    """The targets that the candidate misses."""
    return tuple(finding for finding in judged.findings if rules()[finding.rule].misses_target)


def decide(estimates: Iterable[Estimate], question: Question, *, depth: bool = True, one_node: str = "") -> Verdict:
    """Judge all candidates and choose.

    Args:
        estimates: every candidate of every engine in question.
        depth: also compute curve, crossover and capacity (a search over models needs only yes or no).
        one_node: why one of several machines is not enough, where that was found out before.
    """
    ordered = _ordered([judge(estimate, question) for estimate in estimates], question)
    best = {name: _best(ordered, name) for name in engines_for(question.workload)}
    cross = _crossover(best, question) if depth else (None, "")
    refusals = _refusals(ordered)
    refused = {f.engine: f.message for f in refusals if best.get(f.engine or "") is None}
    contest = replace(_contest(best, question.workload, cross[0], refused), one_node=one_node)
    reasons = judge_contest(contest)
    engine = _winner(contest, reasons)
    winner = best.get(engine)
    losers = tuple(_why_lost(j, winner, reasons, question) for j in ordered if j is not winner)
    meets = winner is not None and not misses(winner)
    limit = capacity(winner.estimate.candidate, question) if winner and depth else (None, None)
    return Verdict(
        engine=engine,
        meets_targets=meets,
        summary=_summary(winner, meets, question, refusals),
        confidence=_confidence(winner, ordered, question),
        winner=winner,
        losers=losers,
        reasons=reasons + (winner.findings if winner else ()),
        crossover_in_flight=cross[0],
        crossover_reason=cross[1],
        curve=curve(best, question) if depth else (),
        capacity_in_flight=limit[0],
        capacity_users=limit[1],
    )


def _best(ordered: list[Judged], engine: str) -> Judged | None:
    """The preferred candidate of one engine among those that no rule refuses."""
    return next((j for j in ordered if j.estimate.candidate.engine == engine and not vetoed(j)), None)


def _ordered(judged: list[Judged], question: Question) -> list[Judged]:
    """Who could run first, in the order of preference; then the refused, the closest first."""
    able = [j for j in judged if not vetoed(j)]
    refused = [j for j in judged if vetoed(j)]
    return sorted(able, key=lambda j: _preference(j, question)) + sorted(
        refused, key=lambda j: j.estimate.memory.short_bytes
    )


def _preference(judged: Judged, question: Question) -> tuple[float, ...]:
    """Smaller is better, and the first difference counts."""
    return tuple(key(judged, question) for _, key in _PREFERENCES)


def _shortages(judged: Judged, _: Question) -> int:
    """Warnings about slots, KV cache and the like; a missed target is counted by itself."""
    return sum(1 for finding in judged.findings if finding.severity == "PERF") - len(misses(judged))


def _patient(question: Question) -> bool:
    """Whether nobody waits: every card and machine is then there to be used."""
    asked = question.workload
    return not somebody_waits(asked) and asked.request_rate is None


# What tells against a way that runs, in words and as a number; the first comes first.
_PREFERENCES: tuple[tuple[str, Callable[[Judged, Question], float]], ...] = (
    ("has no predicted speed", lambda j, _: j.estimate.peak_speed is None),
    ("misses a target", lambda j, _: len(misses(j)) > 0),
    # Where targets are missed, the fastest way is the one to show; precision comes second.
    ("gives less output", lambda j, _: -_rate(j) if misses(j) else 0.0),
    ("runs partly on the CPU", lambda j, _: j.estimate.candidate.cpu_layers > 0),
    ("keeps less precision", lambda j, _: _TIERS[weights_format(j.estimate.candidate.weights_format).quality_tier]),
    ("has fewer slots or less KV cache than requests in flight", _shortages),
    # Where somebody waits, a card is given to be sure, no machine.
    ("needs more machines", lambda j, q: 0 if _patient(q) else j.estimate.candidate.nodes),
    ("may miss a target at the slow end of its range", lambda j, q: not _sure(j, q)),
    ("needs more cards", lambda j, q: -_rate(j) if _patient(q) else j.estimate.candidate.cards_in_all),
    ("needs more machines", lambda j, _: j.estimate.candidate.nodes),
    ("is not the checkpoint as published", lambda j, q: j.estimate.candidate.weights_format != q.model.native_format),
    ("rounds the KV cache", lambda j, _: j.estimate.candidate.kv_cache_dtype not in ("auto", "f16")),
    ("gives less output", lambda j, _: -_rate(j)),
)


def _crossover(best: Mapping[str, Judged | None], question: Question) -> tuple[float | None, str]:
    able = sorted((n for n, j in best.items() if j is not None), key=lambda n: engine_limits(n).simplicity)
    if len(able) < 2:
        missing = [engine_limits(name).title for name in best if name not in able]
        return None, f"{' and '.join(missing)} cannot run here" if len(best) > 1 else "only one engine was asked for"
    names = (able[0], max(able[1:], key=lambda name: _rate(best[name])))  # the simplest, the fastest of the others
    simple, other = (best[name] for name in names)
    if simple is None or other is None or simple.estimate.speed is None or other.estimate.speed is None:
        return None, "the speed of this device is not known"
    found = crossover(simple.estimate.candidate, other.estimate.candidate, question)
    titles = [engine_limits(name).title for name in names]
    formats = [weights_format(j.estimate.candidate.weights_format).title for j in (simple, other)]
    pair = f"{titles[1]} ({formats[1]}) against {titles[0]} ({formats[0]}) with a slot for each request"
    return found, pair if found is not None else f"{pair}: not ahead at any load up to 512 in flight"


def _contest(
    best: Mapping[str, Judged | None], workload: Workload, cross: float | None, refused: Mapping[str | None, str]
) -> Contest:
    able = {name: judged for name, judged in best.items() if judged is not None}
    return Contest(
        best=best,
        misses={name: misses(judged) for name, judged in able.items()},
        simplicity={name: engine_limits(name).simplicity for name in best},
        titles={name: engine_limits(name).title for name in best},
        workload=workload,
        crossover_in_flight=cross,
        tokens_per_s={name: _rate(judged) for name, judged in able.items() if judged.estimate.peak_speed},
        refused={name: refused.get(name, "it has no weights in this format") for name in best if name not in able},
        unmeasured=any(
            judged.estimate.peak_speed is not None
            and judged.estimate.peak_speed.output_tokens_per_s.basis == "analytic"
            for judged in able.values()
        ),
    )


def _rate(judged: Judged | None) -> float:
    speed = judged.estimate.peak_speed if judged else None
    return speed.output_tokens_per_s.expected * judged.estimate.candidate.replicas if judged and speed else 0.0


def _winner(contest: Contest, reasons: tuple[Finding, ...]) -> str:
    """Targets first; then what production needs; then the crossover; then simplicity."""
    able = contest.meeting or contest.able
    able = tuple(name for name in able if name in contest.tokens_per_s) or able  # what is predicted comes first
    if not able:
        return "none"
    if not contest.meeting:
        return max(able, key=lambda name: contest.tokens_per_s.get(name, 0.0))
    complete = [name for name in able if "SVC303" not in _rules_of(contest.best[name])] or list(able)
    if any(finding.rule == "SPD210" for finding in reasons):
        return max(complete, key=lambda name: contest.tokens_per_s.get(name, 0.0))
    return min(complete, key=lambda name: contest.simplicity[name])


def _rules_of(judged: Judged | None) -> set[str]:
    return {finding.rule for finding in judged.findings} if judged else set()


def _why_lost(judged: Judged, winner: Judged | None, reasons: tuple[Finding, ...], question: Question) -> Judged:
    """The first thing that told against it: a veto, a missed target, the other engine, or a less preferred way."""
    refusal = [f for f in judged.findings if f.severity in VETO] or list(misses(judged))
    if refusal or winner is None:
        return replace(judged, why_lost=f"{refusal[0].rule}: {refusal[0].message}" if refusal else "")
    if judged.estimate.candidate.engine != winner.estimate.candidate.engine:
        decisive = [f for f in reasons if f.rule in ("SPD210", "SPD211")]
        told = decisive or [f for f in judged.findings if f.severity == "PERF"]
        return replace(
            judged, why_lost=f"{told[0].rule}: {told[0].message}" if told else "the other engine is preferred"
        )
    own, best = (_preference(j, question) for j in (judged, winner))
    differs = next((i for i, pair in enumerate(zip(own, best, strict=True)) if pair[0] != pair[1]), len(own) - 1)
    return replace(judged, why_lost=f"meets the targets too, but {_PREFERENCES[differs][0]}")


def _refusals(judged: list[Judged]) -> list[Finding]:
    """For each engine, the refusal of the candidate that came closest."""
    told: dict[str, Finding] = {}
    for item in judged:
        for finding in item.findings:
            if finding.severity in VETO:
                told.setdefault(item.estimate.candidate.engine, finding)
                break
    return list(told.values())


def _summary(winner: Judged | None, meets: bool, question: Question, refusals: list[Finding]) -> str:
    model, workload = question.model, question.workload
    people = _people(workload)
    if winner is None:
        why = "; ".join(f"{engine_limits(f.engine or '').title}: {f.message}" for f in refusals)
        guess = "(a guess by its name, it is not in the catalogue) " if is_guess(model) else ""
        return f"No: {model.hf_id} {guess}cannot serve {people} here. {why or 'No engine has these weights.'}"
    estimate = winner.estimate
    candidate, limits = estimate.candidate, engine_limits(estimate.candidate.engine)
    told = _other_weights(candidate, question)
    cards = candidate.cards_in_all
    where = "the CPU" if candidate.device == "cpu" else f"{cards} GPU{'s' if cards != 1 else ''}"
    where += f" of {candidate.nodes} machines" if candidate.nodes > 1 else ""
    what = f"{limits.title} with {model.hf_id} ({weights_format(candidate.weights_format).title}) on {where}"
    load = people
    if workload.concurrency is None:
        load += (
            f" ({count(round(estimate.in_flight, 1))} requests in flight on average, {estimate.peak_in_flight} at peak)"
        )
    if meets:
        return f"{told}{what} for {load}{_pace(estimate.peak_speed, workload)}."
    but = "misses a target" if estimate.peak_speed else "nothing tells whether it meets the targets"
    return f"No: {told}{what} starts, but {but} for {load}: " + "; ".join(f.message for f in misses(winner)) + "."


def _other_weights(candidate: Candidate, question: Question) -> str:
    """What is not as it was named: weights by somebody else, or a model that is known by its name only."""
    named = replaced(question.workload.model, candidate.model_ref)
    other = f"Not {named} but {candidate.model_ref}: " if named else ""
    if not is_guess(question.model):
        return other
    return f"{other}A guess, as {question.model.hf_id} is not in the catalogue and is judged by its name: "


def _people(workload: Workload) -> str:
    """Who is served, in the words in which it was asked."""
    if workload.concurrency is not None:
        return f"{workload.concurrency} request{'s' if workload.concurrency != 1 else ''} in flight"
    if workload.request_rate is not None:
        return f"{workload.request_rate:g} requests/s"
    return f"{workload.users} user{'s' if workload.users != 1 else ''}"


def _pace(speed: Speed | None, workload: Workload) -> str:
    if speed is None:
        return ""
    if workload.kind == "embed":
        return f": a text takes {ms(speed.ttft_s.expected)}"
    return f": first token after {ms(speed.ttft_s.expected)}, then {count(1 / speed.tpot_s.expected)} tokens/s each"


def _known_size(judged: Judged, question: Question) -> bool:
    """Whether the bytes of its repository are known well enough for a no: those planned with are the upper end."""
    fmt = weights_format(judged.estimate.candidate.weights_format)
    return stored(question.model, fmt).spread <= _WIDE_SPREAD


def _confidence(winner: Judged | None, judged: Iterable[Judged], question: Question) -> Confidence:
    """High: even the slow end of the range meets the targets; low: nothing was ever measured on such a device.

    A vGPU's speed depends on other guests, so that nothing about it is certain.
    """
    speed = winner.estimate.peak_speed if winner else None
    if is_guess(question.model):
        return "low"
    if winner is None:
        sure = all(_known_size(one, question) and not _unsure(one) for one in judged)
        return "high" if sure else "medium"
    if winner.estimate.candidate.eager or winner.estimate.candidate.text_only:
        return "medium"  # at the edge of what starts at all
    if speed is None or speed.output_tokens_per_s.basis == "analytic":
        return "low"
    return "high" if _sure(winner, question) and not _unsure(winner) else "medium"


def _unsure(judged: Judged) -> bool:
    """Whether the card's speed or memory is not certain, and the answer turns on it."""
    return any(finding.rule in _UNSURE for finding in judged.findings)


def _sure(judged: Judged, question: Question) -> bool:
    """Even the slow end of the range meets the targets."""
    speed, asked = judged.estimate.peak_speed, question.workload
    thought = long_thought(asked, question.model)
    return speed is not None and within_targets(speed.ttft_p95_s.high, speed.tpot_p95_s.high, asked, thought)
