"""What was typed and says nothing beside what else was typed: told on standard error, never passed over in silence."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from advisor.workload.keys import OF_WORKLOAD

F = TypeVar("F", bound=Callable[..., Any])
Told = Callable[[Mapping[str, Any]], Iterator[str]]

_PEOPLE = ("users", "staff", "active_fraction", "burst_users")
# What says the load, and what then says nothing of it.
_BESIDE = {"concurrency": (*_PEOPLE, "think_time_s", "dispersion"), "request_rate": _PEOPLE}


def beside_the_load(given: Mapping[str, Any]) -> Iterator[str]:
    """People beside requests that were counted already: the requests are the load."""
    for load, others in _BESIDE.items():
        if given.get(load) is not None:
            for name in others:
                if given.get(name) is not None:
                    yield f"{_typed(name, given)} is set aside: {_typed(load, given)} says how many requests there are"
            return


def any_load(given: Mapping[str, Any]) -> Iterator[str]:
    """A load where how much is served is what is asked."""
    for name in (*_BESIDE, *_PEOPLE, "dispersion"):
        if given.get(name) is not None:
            yield f"{_typed(name, given)} is set aside: how many are served is what is asked here"


def _typed(name: str, given: Mapping[str, Any]) -> str:
    return f"{OF_WORKLOAD[name].flag} {given[name]:g}"


def heard(function: F, told: Told) -> F:
    """The function, once it was told what of that which was typed it does not go by."""

    @functools.wraps(function)
    def asked(*args: Any, **given: Any) -> Any:
        for line in told(given):
            click.echo(f"advisor: {line}", err=True)
        return function(*args, **given)

    return asked  # type: ignore[return-value]  # the same function
