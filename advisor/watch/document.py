"""What a watch says, as plain data."""

from __future__ import annotations

import datetime
from typing import Any

from advisor.watch.session import View
from advisor.watch.target import Target
from advisor.wire import to_data


def step_data(view: View) -> dict[str, Any]:
    """One look, as a line of JSON."""
    data: dict[str, Any] = to_data(view.step)
    at = datetime.datetime.fromtimestamp(data.pop("at_s"), tz=datetime.UTC).isoformat(timespec="milliseconds")
    return {"at": at, **data, "causes": [each.id for each in view.causes], "crossover_reached": view.crossover.reached}


def summary(view: View, target: Target) -> dict[str, Any]:
    """The whole watch."""
    return {
        "schema_version": 1,
        "engine": target.server.engine,
        "version": target.server.version,
        "url": target.server.base,
        "watched_s": view.watched_s,
        "looks": view.looks,
        "most_in_flight": view.most_in_flight,
        "last": step_data(view),
        "crossover": to_data(view.crossover),
        "breaks": to_data(view.breaks),
        "causes": to_data(tuple(view.seen.values())),
        "gaps": list(view.gaps),
        "gone": view.gone or None,
    }
