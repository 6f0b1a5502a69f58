"""`plan(verdict, ...) -> Plan`: the winner as pure data - settings with reasons, how to start it, what to check."""

from __future__ import annotations

from dataclasses import replace

from advisor import __version__
from advisor.checklist import host_checks
from advisor.deploy import PARTS, parts_of, replicas
from advisor.engines import ENGINES
from advisor.engines.versions import version_of
from advisor.engines.ways import HOSTED, WAYS, ways_of
from advisor.errors import BadInput
from advisor.quoting import dns_label
from advisor.schema import Check, Estimate, Finding, Hardware, ModelSpec, Plan, Verdict, Workload


def plan(verdict: Verdict, workload: Workload, hardware: Hardware, model: ModelSpec) -> Plan | None:
    """The plan of the winner; None when nothing can run."""
    if verdict.winner is None:
        return None
    return plan_for(verdict.winner.estimate, verdict.reasons, verdict.summary, workload, hardware, model)


def plan_for(
    estimate: Estimate,
    findings: tuple[Finding, ...],
    summary: str,
    workload: Workload,
    hardware: Hardware,
    model: ModelSpec,
) -> Plan:
    """Settings, launch and checks of one estimate, in the order in which they depend on each other."""
    engine = ENGINES[estimate.candidate.engine]
    settings = engine.settings(estimate, hardware, workload, model)
    draft = Plan(
        name=plan_name(model),
        engine=estimate.candidate.engine,
        engine_version=version_of(estimate.candidate.engine, hardware, workload, model),
        model=model,
        hardware=hardware,
        workload=workload,
        estimate=estimate,
        launch=engine.launch(estimate, settings, hardware, workload, model),
        settings=settings,
        checks=(),
        findings=findings,
        summary=summary,
        in_flight=estimate.in_flight,
        advisor_version=__version__,
    )
    draft = replace(draft, parts=parts_of(draft))
    return replace(draft, checks=checks_of(draft))


def checks_of(plan: Plan) -> tuple[Check, ...]:
    """The checklist: lines of the machine, the engine and every part around it; none of another way to run."""
    around = [check for part in plan.parts for check in PARTS[part].checks(plan)]
    ways = set(ways_of(plan))
    lines = (*host_checks(plan), *ENGINES[plan.engine].checks(plan), *around)
    return tuple(check for check in lines if ways & set(_ways_of_check(check)))


def _ways_of_check(check: Check) -> tuple[str, ...]:
    """The ways that a line is of: one with a command looks at this machine, where pods on another do not run."""
    return check.targets or (HOSTED if check.command else tuple(WAYS.values()))


def with_way(plan: Plan, run: str) -> Plan:
    """The plan with one more way to run it, or several, beside those it has.

    Raises:
        BadInput: a way that cannot be had for this plan, or not with the keys for people that it has.
    """
    asked = replace(plan, workload=replace(plan.workload, run=run, parts="auto"))
    if "keys" in plan.parts and (reason := PARTS["keys"].possible(asked)):
        raise BadInput(f"--run {run}: {reason}; without the part keys it can be had")
    more = {*ways_of(plan), *ways_of(replace(plan, parts=parts_of(asked)))}
    around = replicas.without_other_ways({*plan.parts, *more, *({"gateway"} if "kubernetes" in more else ())})
    return replace(plan, parts=tuple(name for name in PARTS if name in around))


def with_own_checks(plan: Plan) -> Plan:
    """The checklist made anew, the desk's too: what a plan from a file says about commands is not used."""
    desk = plan.desk and with_own_checks(plan.desk)
    return replace(plan, checks=checks_of(plan), desk=desk)


def plan_name(model: ModelSpec) -> str:
    """A name that fits containers, units and pods: lower-case letters, digits and dashes, at most 40 characters."""
    return dns_label(model.hf_id.rsplit("/", 1)[-1])
