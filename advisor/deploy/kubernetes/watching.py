"""The rules of monitoring for a Prometheus that watches other deployments of the cluster too."""

from __future__ import annotations

import re
from dataclasses import replace

from advisor.deploy import monitoring
from advisor.deploy.kubernetes.manifest import Watch
from advisor.deploy.monitoring.facts import Alert
from advisor.schema import Plan

LABEL = "llm"  # of every recorded series: two deployments record the same names
_RECORDED = re.compile(r"\badvisor:[a-z0-9_:]+")


def watch(plan: Plan, name: str) -> Watch:
    """Records and alerts of this deployment alone; those of nodes and cards are the cluster's own business."""
    made = monitoring.facts(plan)
    beside = {exporter.job for exporter in made.exporters}
    jobs = tuple((job.name, f"{name}-{job.name}") for job in made.jobs if job.name not in beside)
    return Watch(
        jobs=jobs,
        label=LABEL,
        title=made.title,
        records=tuple(replace(record, expr=_own(record.expr, jobs)) for record in made.records),
        alerts=tuple(_alert(alert, jobs, name) for alert in made.alerts if not alert.of_host),
    )


def _alert(alert: Alert, jobs: tuple[tuple[str, str], ...], name: str) -> Alert:
    own = _own(alert.expr, jobs)
    return replace(alert, expr=_RECORDED.sub(rf'\g<0>{{{LABEL}="{name}"}}', own))


def _own(expr: str, jobs: tuple[tuple[str, str], ...]) -> str:
    """The same question about this deployment's own jobs."""
    for job, own in jobs:
        expr = expr.replace(f'job="{job}"', f'job="{own}"')
    return expr
