"""One way to run the model before the rules: what refuses it, which targets it misses, how sure that is."""

from __future__ import annotations

import math

from advisor.catalog import weights_format
from advisor.catalog.versions import limits_of
from advisor.compare import within_targets
from advisor.engines.versions import version_of
from advisor.estimate import latency_s, overrun, speed_at
from advisor.models.thinking import long_thought, written_tokens
from advisor.physics.memo import by_identity
from advisor.physics.speed.figures import KNOTS
from advisor.rules import MUCH_MORE_BITS, VETO, Case, judge_candidate, refuses, rules
from advisor.schema import Estimate, Finding, Judged, Question, Speed


def judge(estimate: Estimate, question: Question) -> Judged:
    """Every rule that looks at one candidate."""
    return Judged(estimate=estimate, findings=judge_candidate(_case(estimate, question)))


def serves(estimate: Estimate, question: Question) -> bool:
    """Whether it runs and misses nothing that was asked for: what `meets` says of the judged one, and nothing else."""
    return not refuses(_case(estimate, question))


def _case(estimate: Estimate, question: Question) -> Case:
    candidate = estimate.candidate
    return Case(
        estimate=estimate,
        hardware=question.hardware,
        workload=question.workload,
        model=question.model,
        limits=limits_of(candidate.engine, _version(candidate.engine, question)),
        weights_format=weights_format(candidate.weights_format),
    )


def _version(engine: str, question: Question) -> str:
    return version_of(engine, question.hardware, question.workload, question.model)


def vetoed(judged: Judged) -> bool:
    """Whether a rule refuses the candidate."""
    return any(finding.severity in VETO for finding in judged.findings)


def misses(judged: Judged) -> tuple[Finding, ...]:
    """The targets that the candidate misses."""
    return tuple(finding for finding in judged.findings if rules()[finding.rule].misses_target)


def meets(judged: Judged) -> bool:
    """Whether it runs and misses nothing that was asked for."""
    return not vetoed(judged) and not misses(judged)


@by_identity
def sure(judged: Judged, question: Question) -> bool:
    """Even the slow end of the range meets the targets, at the planned load and at every smaller one.

    Ranges are narrower at some loads than at smaller ones, where more was measured: what more people are sure of, fewer
    are too, or a plan would be given up for more cards and taken up again as people come.
    """
    estimate = judged.estimate
    if not _slow_end_meets(estimate.peak_speed, question):
        return False
    replicas = estimate.candidate.replicas
    smaller = (knot * replicas for knot in KNOTS if knot * replicas < estimate.peak_in_flight)
    return all(_slow_end_meets(speed_at(estimate.candidate, load, question), question) for load in smaller)


def _slow_end_meets(speed: Speed | None, question: Question) -> bool:
    thought = long_thought(question.workload, question.model)
    return speed is not None and within_targets(
        speed.ttft_p95_s.high, speed.tpot_p95_s.high, question.workload, thought
    )


def hopeless(judged: Judged, question: Question) -> bool:
    """Even the fast end of the range misses a target."""
    speed, asked = judged.estimate.peak_speed, question.workload
    thought = long_thought(asked, question.model)
    return speed is not None and not within_targets(speed.ttft_p95_s.low, speed.tpot_p95_s.low, asked, thought)


def overrun_of(judged: Judged, question: Question) -> float:
    """How many times its target the figure takes that overruns most; infinite where none is predicted."""
    speed, asked = judged.estimate.peak_speed, question.workload
    thought = long_thought(asked, question.model)
    return overrun(speed.ttft_p95_s.expected, speed.tpot_p95_s.expected, asked, thought) if speed else math.inf


def equal_bits(one: Judged, other: Judged) -> bool:
    """Whether both load about as many bits a weight."""
    bits = sorted(weights_format(j.estimate.candidate.weights_format).linear_bits for j in (one, other))
    return bits[1] < MUCH_MORE_BITS * bits[0]


def answer_s(judged: Judged, question: Question) -> float | None:
    """Seconds that a person waits for a whole answer at the load that was asked; None: not predicted."""
    speed = judged.estimate.speed
    return None if speed is None else latency_s(speed, written_tokens(question.workload, question.model))


def carried_per_s(judged: Judged) -> float:
    """Total output at the load that was asked, all replicas together; 0 where it is not predicted."""
    speed = judged.estimate.speed
    return speed.output_tokens_per_s.expected * judged.estimate.candidate.replicas if speed else 0.0


def tokens_per_s(judged: Judged | None) -> float:
    """Total output at the peak load, all replicas together; 0 where it is not predicted."""
    speed = judged.estimate.peak_speed if judged else None
    return speed.output_tokens_per_s.expected * judged.estimate.candidate.replicas if judged and speed else 0.0
