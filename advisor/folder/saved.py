"""Plans that an earlier run wrote: read again, and refused when this program cannot carry them out."""

from __future__ import annotations

from pathlib import Path

from advisor.catalog import engine_limits, weights_format
from advisor.catalog.vendors import check_backend, check_vendors
from advisor.edge.filekinds import PLAN, expected
from advisor.edge.reading import is_file, is_folder, named, read_json
from advisor.errors import BadInput
from advisor.folder.door import admit_plan
from advisor.folder.older import in_todays_words, is_older, with_its_ways
from advisor.schema import Plan
from advisor.wire import from_data


def plan_in(folder: Path) -> Plan:
    """The plan of a deployment folder.

    Raises:
        BadInput: there is none, or it is one that `read_plan` refuses.
    """
    path = folder / "plan.json"
    if not is_file(path):
        raise BadInput(f"{folder}: {_no_plan(folder)}", near=f"advisor recommend --out {folder}")
    return read_plan(path)


def _no_plan(folder: Path) -> str:
    what = "has no plan.json" if is_folder(folder) else "there is no such folder, nor a plan.json in it"
    return f"{what}\n`advisor recommend --out {folder}` writes one"


def read_plan(path: Path) -> Plan:
    """A saved plan that this program could have written: see `door`.

    Raises:
        BadInput: it cannot be read, or holds something that this program would not write.
    """
    with expected(PLAN, path):
        return _checked(path)


def _checked(path: Path) -> Plan:
    data = read_json(path, once=True)
    older = is_older(data)
    plan = from_data(Plan, in_todays_words(data) if older else data, where=named(path), exact=True)
    plan = admit_plan(with_its_ways(plan) if older else plan, str(path))
    for each in filter(None, (plan, plan.desk)):
        check_vendors(each.hardware, str(path))
        check_backend(each.launch.variant, str(path))
        engine_limits(each.engine)
        weights_format(each.estimate.candidate.weights_format)
    return plan
