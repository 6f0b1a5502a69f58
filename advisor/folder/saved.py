"""Plans that an earlier run wrote: read again, and refused when this program cannot carry them out."""

from __future__ import annotations

from pathlib import Path

from advisor.catalog import engine_limits, weights_format
from advisor.catalog.vendors import check_backend, check_vendors
from advisor.deploy import PARTS
from advisor.engines import ENGINES
from advisor.errors import BadInput
from advisor.schema import Plan
from advisor.wire import from_json_file


def plan_in(folder: Path) -> Plan:
    """The plan of a deployment folder.

    Raises:
        BadInput: there is none, or it is one that `read_plan` refuses.
    """
    path = folder / "plan.json"
    if not path.is_file():
        raise BadInput(f"{folder}: has no plan.json; `advisor recommend --out {folder}` writes one")
    return read_plan(path)


def read_plan(path: Path) -> Plan:
    """A saved plan whose engine, weights format and parts are known here.

    Raises:
        BadInput: it cannot be read, or names something that this program does not know.
    """
    plan = from_json_file(Plan, path)
    if plan.engine not in ENGINES:
        raise BadInput(f"{path}: engine: {plan.engine!r} is not known; accepted: {', '.join(ENGINES)}")
    for one in filter(None, (plan, plan.desk)):
        check_vendors(one.hardware, str(path))
        check_backend(one.launch.variant, str(path))
    engine_limits(plan.engine)
    weights_format(plan.estimate.candidate.weights_format)
    for part in plan.parts:
        if part not in PARTS:
            raise BadInput(f"{path}: parts: {part!r} is not known; accepted: {', '.join(PARTS)}")
    return plan
