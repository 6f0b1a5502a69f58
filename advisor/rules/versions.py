"""OPS, of versions: the one that is asked for or here, and what it cannot do of what is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.catalog import engine_limits
from advisor.catalog.versions import facts
from advisor.engines import ENGINES
from advisor.engines.versions import Choice, accepts, choose, lowest_that_does, server_in_use, version_of
from advisor.rules.base import Case
from advisor.schema import Setting

_WHENCE = {"asked": "asked for", "installed": "installed here", "running": "running here"}


def ops427(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the planned version lacks something that the plan cannot go without."""
    chosen = _choice(case)
    lacks = list(chosen.lacks) if chosen.origin == "asked" else []
    dispensable = case.limits.optional_settings
    missing = [each for each in _not_accepted(case, chosen) if each.name not in dispensable]
    lacks += [f"{case.limits.title} {chosen.version} does not accept {_written(each)}" for each in missing]
    if not lacks:
        return None
    lowest = lowest_that_does(case.limits.name, case.workload, case.model, tuple(missing))
    does = f"the lowest version known that does is {lowest}" if lowest else "no version is known that does"
    return f"{'; '.join(lacks)}; {does}"


def ops428(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes that another version than the pinned one is planned, or that the one here will not do."""
    chosen, pinned = _choice(case), engine_limits(case.limits.name).version
    if chosen.origin == "pinned" or (chosen.version == pinned and not chosen.lacks):
        return None
    whence = _WHENCE[chosen.origin]
    if chosen.lacks and chosen.origin != "asked":
        lowest = lowest_that_does(case.limits.name, case.workload, case.model)
        does = f"the lowest version known that does is {lowest}, " if lowest else ""
        here = f"{'; '.join(chosen.lacks)} ({chosen.found} is {whence})"
        return f"{here}; {does}planned is {pinned}: upgrade before the start"
    without = ", ".join(each.name for each in _not_accepted(case, chosen))
    left_out = f"; without {without}, which it does not know" if without else ""
    return (
        f"{case.limits.title} {chosen.found} is {whence} and planned{_nearness(case, chosen)}{left_out}; "
        f"the predictions are those of {pinned}"
    )


def ops429(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes that a server which runs here already is used, and what must be set on it."""
    server = server_in_use(case.limits.name, case.hardware, case.workload)
    if server is None or not case.estimate.memory.fits:
        return None
    name = case.limits.name
    settings = ENGINES[name].settings(case.estimate, case.hardware, case.workload, case.model)
    rows = ENGINES[name].to_set(settings, version_of(name, case.hardware, case.workload, case.model))
    told = ", ".join(f"{each.name}={each.value}" for each in rows) or "nothing"
    return (
        f"{case.limits.title} {server.version or ''} runs here already ({server.address}) and is used: set {told} on "
        f"it (see README.md); with --own-server the plan starts one of its own on another port"
    )


def _nearness(case: Case, chosen: Choice) -> str:
    found = facts(case.limits.name, chosen.version)
    near = " and ".join(found.known)
    return {
        "known": "",
        "between": f", of which only what {near} both accept is used",
        "newer": f", newer than any known version: what {near} accepts is used",
        "older": f", older than any known version ({near})",
    }[found.place]


def _choice(case: Case) -> Choice:
    return choose(case.limits.name, case.hardware, case.workload, case.model)


def _not_accepted(case: Case, chosen: Choice) -> list[Setting]:
    """Of what the pinned version would be told, what the planned one does not take."""
    name = case.limits.name
    if chosen.version == engine_limits(name).version or not case.estimate.memory.fits:
        return []
    bare = replace(case.hardware, engines=(), running=())
    wanted = ENGINES[name].settings(case.estimate, bare, replace(case.workload, engine_version=None), case.model)
    found = facts(name, chosen.version)
    return [each for each in wanted if not accepts(found, name, each)]


def _written(setting: Setting) -> str:
    return setting.name if setting.value is None else f"{setting.name} {setting.value}"
