"""Prometheus, alerts and a dashboard, built only from what the pinned engine and the gateway export."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.catalog import constants
from advisor.deploy import gateway, people, replicas
from advisor.deploy.monitoring.alerts import alerts
from advisor.deploy.monitoring.dashboard import panels
from advisor.deploy.monitoring.exporters import exporters
from advisor.deploy.monitoring.facts import Job, Monitoring
from advisor.deploy.monitoring.signals import records
from advisor.engines.base import Placement
from advisor.engines.naming import slug
from advisor.engines.ways import HOSTED, ON_HOST, ways_of
from advisor.schema import Check, Plan

__all__ = ["checks", "facts", "placements", "possible", "wanted"]

PROMETHEUS_VERSION, GRAFANA_VERSION, ALERTMANAGER_VERSION = "v3.13.5", "13.2.3", "v0.34.2"
PROMETHEUS_PORT, GRAFANA_PORT, ALERTMANAGER_PORT = 9090, 3000, 9093
INTERVAL_S = 15
RETENTION = "30d"
COMPOSE = ("compose",)  # elsewhere Grafana is somebody's own, and imports the dashboard


def wanted(plan: Plan) -> bool:
    """Whenever others use the service."""
    return plan.is_linux_service


def possible(plan: Plan) -> str:  # noqa: ARG001
    """Everywhere: both programs run on every system, with and without containers."""
    return ""


def facts(plan: Plan) -> Monitoring:
    """Scrape jobs, rules and panels of this plan."""
    names = exported(plan.engine)
    return Monitoring(
        prometheus_image=f"prom/prometheus:{PROMETHEUS_VERSION}",
        grafana_image=f"grafana/grafana:{GRAFANA_VERSION}",
        alertmanager_image=f"prom/alertmanager:{ALERTMANAGER_VERSION}",
        prometheus_port=PROMETHEUS_PORT,
        grafana_port=GRAFANA_PORT,
        alertmanager_port=ALERTMANAGER_PORT,
        retention=RETENTION,
        interval_s=INTERVAL_S,
        jobs=jobs(plan, names),
        exporters=exporters(plan),
        records=records(names),
        alerts=alerts(plan, names),
        panels=panels(plan, names),
        title=f"{plan.launch.served_name} on {plan.engine}",
        uid=f"advisor-{slug(plan.name)}".replace(".", "-")[:40],  # what Grafana takes
    )


def exported(engine: str) -> Mapping[str, str]:
    """The engine's metrics by what they tell; empty where it exports none."""
    found: Mapping[str, str] = constants("metrics").get(engine, {})
    return found


def jobs(plan: Plan, names: Mapping[str, str]) -> tuple[Job, ...]:
    """The gateway and the machine always, engine and cards where they export anything."""
    front = Job(
        name="gateway", container=(f"gateway:{gateway.METRICS_PORT}",), native=(f"127.0.0.1:{gateway.METRICS_PORT}",),
        path="/metrics",
    )  # fmt: skip
    exported = (
        Job(name=e.job, container=(f"{e.service}:{e.port}",), native=(f"127.0.0.1:{e.port}",), path="/metrics")
        for e in exporters(plan)
    )
    behind = (*((_people(),) if "keys" in plan.parts else ()), *exported)
    if not names:
        return (front, *behind)
    engine = Job(
        name="engine", path=names["path"],
        container=tuple(f"{name}:{plan.launch.port}" for name in replicas.names(plan)),
        native=tuple(f"127.0.0.1:{port}" for port in replicas.ports(plan)),
    )  # fmt: skip
    return (engine, front, *behind)


def _people() -> Job:
    """Requests and tokens by whose key they came with."""
    return Job(
        name="keys", container=(f"keys:{people.PORT}",), native=(f"127.0.0.1:{people.PORT}",), path="/metrics/",
    )  # fmt: skip


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """Prometheus in Compose and on this machine, the rules, and what Grafana loads by itself."""
    return (
        Placement("monitoring/prometheus.yml.j2", "monitoring/prometheus.yml", ways=COMPOSE),
        Placement("monitoring/prometheus.native.yml.j2", "monitoring/prometheus.native.yml", ways=ON_HOST),
        Placement("monitoring/rules.yml.j2", "monitoring/rules.yml", ways=("compose", *ON_HOST)),
        Placement("monitoring/alertmanager.yml.j2", "monitoring/alertmanager.yml", ways=("compose", *ON_HOST)),
        Placement("monitoring/dashboard.json.j2", "monitoring/grafana/dashboards/advisor.json"),
    )


def _start(plan: Plan) -> str:
    """What starts Prometheus, for people."""
    compose, native = "docker compose --profile monitoring up --detach", "monitoring/prometheus.native.yml"
    ways = {compose if way == "compose" else f"prometheus --config.file={native}": None for way in ways_of(plan)}
    return " or ".join(ways)


def checks(plan: Plan) -> tuple[Check, ...]:
    """That it is watched, and that somebody hears of it."""
    ask = f"curl -fsS 'http://127.0.0.1:{PROMETHEUS_PORT}/api/v1/query?query=min(up)'"
    return (
        Check(
            id="after-monitoring",
            fact="After the start: Prometheus reaches everything it watches",
            command=f"{ask} | grep -o '\"1\"'",
            expect='"1"',
            otherwise=f"http://127.0.0.1:{PROMETHEUS_PORT}/targets says what it cannot reach ({_start(plan)})",
            when="running",
        ),
        Check(
            id="alerts-heard",
            fact="Alerts reach a person: monitoring/alertmanager.yml names one receiver",
            command=None,
            expect="a test alert that arrived",
            otherwise="fill it in, start Alertmanager again, and send the test alert of docs/operations.md",
            targets=HOSTED,
        ),
    )
