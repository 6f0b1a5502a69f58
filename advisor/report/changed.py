"""Which settings of a plan differ from what the engine would do by itself."""

from __future__ import annotations

from collections.abc import Mapping

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
    told: list[tuple[str, object]] = [
        (name, entry["default"])
        for known in accepted(plan.engine).values()
        for name, entry in known.items()
        if entry.get("default") is not None
    ]
    told += facts(plan.engine, plan.engine_version).defaults.items()
    told += [(name, entry["unset"]) for name, entry in constants("settings").items() if "unset" in entry]
    told += [(name, _own_batch(plan)) for name in (each.name for each in plan.settings) if "batch" in name]
    found: dict[str, frozenset[str]] = {}
    for name, value in told:
        found[name] = found.get(name, frozenset()) | {_written(value)}
    return found


def _own_batch(plan: Plan) -> int:
    """Tokens in a step that the engine chooses for this device by itself; no list holds it."""
    installed = ENGINES[plan.engine].as_installed(plan.estimate.candidate, plan.hardware, plan.model)
    return installed.max_batched_tokens


def _written(value: object) -> str:
    """As a setting writes it: a flag that is there has no value."""
    return "" if value is True else str(value).removeprefix("http://")
