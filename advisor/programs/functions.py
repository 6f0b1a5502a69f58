"""What a program may ask: each function takes and gives plain data, as the command of its name does with `--json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.pipeline import files_of, find_hardware
from advisor.pipeline import recommend as answered
from advisor.report.document import document
from advisor.report.explain import explain as explained
from advisor.wire import to_data
from advisor.workload.key import Key, key_named
from advisor.workload.keys import KEYS, PROFILE
from advisor.workload.names import Text

MOST_ROWS = 10_000
GPU = Key(
    name="gpu",
    group="machines",
    kind=Text(like='cards such as "2x RTX 4090"', most=400),
    help='Cards to plan for instead of this machine, e.g. "2x RTX 4090".',
    default=None,
    unset="this machine",
)
FIELDS: Mapping[str, Key] = {key.name: key for key in (GPU, PROFILE, *KEYS) if key.option}
_NOT_OF_LOAD = (GPU.name, PROFILE.name)


def probe() -> dict[str, Any]:
    """What this machine has: accelerators, memory, bandwidth, links, processor, disk, driver, containers, engines."""
    data: dict[str, Any] = to_data(find_hardware(None, None))
    return data


def recommend(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Verdict, plan, predictions, curve, reasons and remedies, as `recommend --json` gives them. Writes nothing.

    Args:
        asked: options of `recommend` by name, with underscores; what is not given is the profile's.

    Raises:
        BadInput: an option that there is not, or a value that it does not take.
    """
    read = read_fields(asked)
    answer = answered(profile=asked.get("profile"), overrides=read, gpu=asked.get("gpu"))
    files = files_of(answer.plan) if answer.plan else ()
    return document(answer, tuple(file.path for file in files))


def read_fields(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the workload as values; nothing is looked up on the network unless `offline` is no.

    Raises:
        BadInput: names the key, what was seen and what is accepted.
    """
    read = {key_named(name, FIELDS).name: FIELDS[name].read(item) for name, item in asked.items()}
    return {"offline": True} | {name: item for name, item in read.items() if name not in _NOT_OF_LOAD}


def predict(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A prediction for each configuration: rows as objects whose keys are the columns of `advisor predict`.

    Raises:
        BadInput: too many rows, or a column that no prediction can do without is in none of them.
    """
    from advisor.errors import BadInput
    from advisor.predict import predict as predicted

    if len(rows) > MOST_ROWS:
        raise BadInput(f"rows: {len(rows):,} were given, {MOST_ROWS:,} are answered at once")
    header = list(dict.fromkeys(str(name) for row in rows for name in row))
    cells = [["" if row.get(name) is None else str(row[name]) for name in header] for row in rows]
    return {"schema_version": 1, "predictions": [each._asdict() for each in predicted(header, cells)]}


def explain(name: str) -> dict[str, Any]:
    """A rule, a setting, a figure, a weights format or a claim: reason, threshold or formula, source.

    Raises:
        BadInput: nothing has that name; the nearest are named.
    """
    return explained(name)


def check(folder: str, target: str = "auto") -> dict[str, Any]:
    """The checklist of a deployment folder, run on this host. Changes nothing.

    Raises:
        BadInput: no plan.json, or one that cannot be read; no such target.
        EnvironmentFailed: there is no bash.
    """
    from advisor.check import check_folder
    from advisor.check.show import document as checked

    return checked(check_folder(Path(folder), target))
