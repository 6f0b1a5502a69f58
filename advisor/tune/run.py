"""`tune(plan, looks, budget)`: choose what to try, search, and make the plan of what is better."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from advisor.errors import BadInput
from advisor.measured.correction import Measurements
from advisor.measured.entries import Measurement
from advisor.schema import Plan
from advisor.smoke.keeping import measurement
from advisor.smoke.runners.signals import terminate_is_interrupt
from advisor.tune.anew import told_anew
from advisor.tune.knobs import changed, marked, trials, with_candidate
from advisor.tune.outcome import TuneReport, because, figures_of
from advisor.tune.search import START, Budget, Found, Search
from advisor.tune.trial import Looks


def tune(
    plan: Plan,
    looks: Looks,
    budget_s: float,
    measurements: Measurements,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Plan, TuneReport, tuple[Measurement, ...]]:
    """The plan, with the settings that are better beyond noise; it is the same where none is. And what was measured.

    Args:
        plan: that of a folder.
        looks: how a trial is looked at.
        budget_s: seconds for everything.
        measurements: what predictions are corrected by.
        clock: seconds that only grow.

    Raises:
        BadInput: the plan has no settings of its own that could be tried.
        EnvironmentFailed: the plan itself could not be measured.
    """
    refuse(plan)
    choices = trials(plan, measurements)
    plans = {START: plan, **{trial.name: trial.plan for trial in choices}}
    budget = Budget(seconds=budget_s, clock=clock)
    search = Search(lambda name, seconds, left_s: looks.at(name, plans[name], seconds, left_s), budget)
    with terminate_is_interrupt():
        found = search.run([trial.name for trial in choices])
    if choices and START not in found.scores and not found.interrupted:
        raise looks.why()
    best = next((trial.plan for trial in choices if trial.name == found.best), plan)
    known = _measured(looks, {START: plan, found.best: best})
    corrections = Measurements(entries=(*measurements.entries, *known))
    tuned = plan if best is plan else _tuned(plan, best, found, looks, corrections)
    return tuned, _report(plan, tuned, found, looks, budget), known


def refuse(plan: Plan) -> None:
    """Refuse what cannot be tuned.

    Raises:
        BadInput: the server is somebody else's, the plan makes vectors, or it takes several machines.
    """
    if plan.launch.server == "running":
        raise BadInput(
            "the plan uses a server that runs already, whose settings are its owner's; plan with --own-server"
        )
    if plan.workload.pooled:
        raise BadInput("the plan serves vectors or scores, and the load that is driven here asks for text")
    if plan.estimate.candidate.nodes > 1:
        raise BadInput("the plan takes several machines, and this starts an engine on one")


def _measured(looks: Looks, plans: Mapping[str, Plan]) -> tuple[Measurement, ...]:
    """The last look at each, where it was quiet and whole."""
    found = (measurement(plan, looks.reports[name]) for name, plan in plans.items() if name in looks.reports)
    return tuple(each for each in found if each is not None)


def _tuned(plan: Plan, best: Plan, found: Found, looks: Looks, corrections: Measurements) -> Plan:
    """The best with its figures as measured, its changed settings with the reason, and its words anew."""
    figures, why = with_candidate(plan, best.estimate.candidate, corrections), because(found, looks.unit)
    return told_anew(marked(plan, figures, why), corrections, why)


def _report(plan: Plan, tuned: Plan, found: Found, looks: Looks, budget: Budget) -> TuneReport:
    return TuneReport(
        plan=plan.name,
        engine=plan.engine,
        unit=looks.unit,
        in_flight=plan.estimate.peak_in_flight,
        budget_s=budget.seconds,
        seconds=budget.seconds - budget.left_s,
        best=found.best,
        gain=found.gain,
        scores=found.scores,
        turns=found.turns,
        failed=found.failed,
        not_tried=found.not_tried,
        because=found.because,
        interrupted=found.interrupted,
        settings=changed(plan, tuned),
        summary=tuned.summary,
        figures=figures_of(plan, tuned),
        errors=tuple(looks.errors),
    )
