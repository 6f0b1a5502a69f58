"""What a tuned plan says of itself: its summary and findings follow from the figures that it has now."""

from __future__ import annotations

from dataclasses import replace

from advisor.decide import decide
from advisor.decide.judge import judge, misses
from advisor.decide.words import summary
from advisor.estimate import estimate
from advisor.plan import with_own_checks
from advisor.propose import propose
from advisor.schema import Corrections, Finding, Plan, Question


def told_anew(plan: Plan, measurements: Corrections, because: str) -> Plan:
    """The plan with the words that belong to its estimate, and with what was measured here.

    Args:
        plan: its estimate holds the figures as they are now.
        measurements: what those were corrected by.
        because: why it is better, with the numbers.
    """
    asked = Question(model=plan.model, workload=plan.workload, hardware=plan.hardware, measurements=measurements)
    said, findings = _judged(plan, asked)
    return with_own_checks(replace(plan, summary=f"{said} Tuned, measured here: {because}.", findings=findings))


def _judged(plan: Plan, question: Question) -> tuple[str, tuple[Finding, ...]]:
    """Against the other engine, as when it was planned; by itself where that would now choose something else."""
    engine = plan.estimate.candidate.engine
    ways = propose(question.hardware, question.workload, question.model)
    others = [estimate(way, question) for way in ways if way.engine != engine]
    verdict = decide([plan.estimate, *others], question, limits=False)
    if verdict.winner is not None and verdict.winner.estimate == plan.estimate:
        return verdict.summary, verdict.reasons
    own = judge(plan.estimate, question)
    return summary(own, not misses(own), question, ()), own.findings
