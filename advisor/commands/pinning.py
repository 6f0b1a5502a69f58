"""The commits that a plan loads, as the Hub says when its files are written: every later start loads these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from advisor.catalog import engine_limits
from advisor.engines import ENGINES
from advisor.models.heads import commits_of
from advisor.models.revision import written
from advisor.plan import plan_for
from advisor.schema import Plan


def pinned(plan: Plan, progress: Callable[[str], object] = lambda _: None) -> Plan:
    """The plan that loads what main points to today, where nothing else was asked for.

    The Hub is asked, unless the plan is to be made offline. Where it does not answer nothing is pinned: the fetch keeps
    what came first.

    Args:
        progress: told before somebody has to wait for the Hub.
    """
    local = plan.model.path is not None or "hub" not in engine_limits(plan.engine).features
    if local or plan.workload.offline:
        return plan
    found = commits_of(
        (name for name in _loaded(plan) if name not in plan.model.revisions),
        lambda: progress("asking the Hub which commit of the weights that is"),
    )
    if not found:
        return plan
    again = ",".join(filter(None, (plan.workload.revision, written(found))))
    model = replace(plan.model, revisions={**plan.model.revisions, **found})
    workload = replace(plan.workload, revision=again)
    made = plan_for(plan.estimate, plan.findings, plan.summary, workload, plan.hardware, model)
    return replace(made, desk=plan.desk, catalog=plan.catalog)


def not_loaded(plan: Plan) -> list[str]:
    """Repositories of which a revision was asked for, and that this plan does not load."""
    loaded = _loaded(plan)
    return [name for name in plan.model.revisions if name not in loaded]


def _loaded(plan: Plan) -> list[str]:
    """The repositories, without the states of them that are asked for."""
    return [word.partition("@")[0] for word in ENGINES[plan.engine].supplies(plan).repositories]
