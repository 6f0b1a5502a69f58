"""`--from-log` and `--from-metrics`, for every command that takes a load: what was seen, below what is typed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from advisor.commands.completing import Place

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.option(
        "--from-log",
        type=Place(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Lengths, arrivals and people out of a log of requests (see `advisor workload`); what is typed counts "
        "before it.",
    ),
    click.option(
        "--from-metrics",
        metavar="URL|FILE",
        help="The same out of a server's metrics, a saved page of them, or a Prometheus; with both, the log counts "
        "first.",
    ),
)


def from_reality(function: F) -> F:
    """The function with what was seen among the keys that it is given, and told on standard error."""

    @functools.wraps(function)
    def asked(*args: Any, from_log: Path | None, from_metrics: str | None, **given: Any) -> Any:
        if from_log is None and from_metrics is None:
            return function(*args, **given)
        from advisor.commands.progress import patient
        from advisor.workload.seen.given import seen_in
        from advisor.workload.seen.profile import over, told

        source = " and ".join(filter(None, (from_log.name if from_log else "", from_metrics or "")))
        with patient() as progress:
            progress(f"reading {source}")
            found = seen_in(from_log, from_metrics, progress)
        if found is None:  # an empty address
            return function(*args, **given)
        for line in told(found, source):
            click.echo(f"advisor: {line}", err=True)
        return function(*args, **over(found, given))

    return asked  # type: ignore[return-value]  # the same but for two options
