"""Which settings of a plan differ from what the engine would do by itself."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Set

from advisor.catalog import constants
from advisor.catalog.flags import accepted
from advisor.catalog.versions import facts
from advisor.engines import ENGINES
from advisor.schema import Plan, Setting

_AUTO = "auto"  # written out, and the same as not being there


def changed(plan: Plan) -> tuple[Setting, ...]:
    """Settings with another value than the engine's default, in their order; what only names the model is left out."""
    defaults = _defaults(plan)
    same = {plan.launch.model_ref, plan.launch.served_name, _AUTO}
    return tuple(
        each
        for each in plan.settings
        if each.value not in same and (each.value or "") not in defaults.get(each.name, frozenset())
    )


def _defaults(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Name → values that mean the default, as far as lists of the engine and its untouched form tell."""
    batches = [(each.name, {_written(_own_batch(plan))}) for each in plan.settings if "batch" in each.name]
    return _joined([*_listed(plan.engine, plan.engine_version).items(), *batches])


@functools.cache
def _listed(engine: str, version: str) -> Mapping[str, frozenset[str]]:
    """The same, of the lists alone."""
    told: list[tuple[str, object]] = [
        (name, entry["default"])
        for known in accepted(engine).values()
        for name, entry in known.items()
        if entry.get("default") is not None
    ]
    told += facts(engine, version).defaults.items()
    told += [(name, entry["unset"]) for name, entry in constants("settings").items() if "unset" in entry]
    return _joined([(name, {_written(value)}) for name, value in told])


def _joined(told: Iterable[tuple[str, Set[str]]]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name, values in told:
        found[name] = found.get(name, frozenset()) | values
    return found


def _own_batch(plan: Plan) -> int:
    """Tokens in a step that the engine chooses for this device by itself; no list holds it."""
    installed = ENGINES[plan.engine].as_installed(plan.estimate.candidate, plan.hardware, plan.model)
    return installed.max_batched_tokens


def _written(value: object) -> str:
    """As a setting writes it: a flag that is there has no value."""
    return "" if value is True else str(value).removeprefix("http://")
