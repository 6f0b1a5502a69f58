"""What the monitoring templates place."""

from __future__ import annotations

from advisor.schema import value


@value
class Record:
    """A recording rule: a query under a name, so that alerts and panels ask the same."""

    name: str
    expr: str


@value
class Alert:
    """An alert rule; `todo` is what a person does when it fires."""

    name: str
    expr: str
    for_s: int
    severity: str  # "critical": nobody is served; "warning": it will come to that, or it is slow
    summary: str
    todo: str
    of_host: bool = False  # about the machine or its cards, not about this deployment


@value
class Query:
    """One line of a panel."""

    expr: str
    legend: str


@value
class Panel:
    """One panel of the dashboard, in Grafana's grid of 24 columns."""

    id: int
    title: str
    unit: str
    queries: tuple[Query, ...]
    limit: float | None  # a line where the plan's target lies
    x: int
    y: int
    width: int
    height: int


@value
class Job:
    """One thing that is scraped: its addresses in Compose and on this machine."""

    name: str
    container: tuple[str, ...]
    native: tuple[str, ...]
    path: str


@value
class Exporter:
    """A program that shows figures of the machine or its cards to Prometheus."""

    service: str  # in Compose
    job: str
    image: str
    port: int
    program: str  # with its version: how it comes to a host without containers, for people
    argv: tuple[str, ...] = ()
    reads_host: bool = False  # its files, read-only
    on_cards: bool = False  # gets the engine's cards


@value
class Monitoring:
    """Everything the templates of this part see."""

    prometheus_image: str
    grafana_image: str
    alertmanager_image: str
    prometheus_port: int
    grafana_port: int
    alertmanager_port: int
    retention: str
    interval_s: int
    jobs: tuple[Job, ...]
    exporters: tuple[Exporter, ...]
    records: tuple[Record, ...]
    alerts: tuple[Alert, ...]
    panels: tuple[Panel, ...]
    title: str
    uid: str
