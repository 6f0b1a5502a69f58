"""What `check` and `smoke` left in a deployment folder, read back: a folder may come from anywhere."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from advisor.check.outcome import CheckReport
from advisor.check.show import document
from advisor.edge.reading import is_file, is_link, named, read_json
from advisor.errors import AdvisorError, BadInput
from advisor.folder.write import write_atomically
from advisor.schema import value
from advisor.smoke.outcome import SmokeReport
from advisor.wire import from_data, to_json

CHECKED, SMOKED = "check/report.json", "smoke/report.json"
_DERIVED = ("passed", "counts", "exit_code", "ran")


@value
class Results:
    """The last check and the last smoke test of a folder; None where none was run."""

    check: CheckReport | None = None
    checked: str = ""  # when
    smoke: SmokeReport | None = None


def keep_check(report: CheckReport, folder: Path) -> None:
    """Leave a check's result in its folder for `advisor report`; a folder that takes none is none the worse for it."""
    now = datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")
    if is_link((folder / CHECKED).parent):  # of a folder from anywhere: nothing is written outside of it
        return
    try:
        write_atomically(folder / CHECKED, to_json({"ran": now, **document(report)}), overwrite=True)
    except AdvisorError:
        return


def results_in(folder: Path) -> Results:
    """What is there.

    Raises:
        BadInput: a result that this program did not write.
    """
    check, smoke = _read(folder / CHECKED), _read(folder / SMOKED)
    return Results(
        check=None if check is None else _typed(CheckReport, check, folder / CHECKED),
        checked="" if check is None else str(check.get("ran", "")),
        smoke=None if smoke is None else _typed(SmokeReport, smoke, folder / SMOKED),
    )


def _read(path: Path) -> dict[str, Any] | None:
    if not is_file(path):
        return None
    found = read_json(path)
    if not isinstance(found, dict):
        raise BadInput(f"{named(path)}: holds no report")
    return found


def _typed(kind: type, data: dict[str, Any], path: Path) -> Any:
    """The value without what was derived from it."""
    plain = {key: found for key, found in data.items() if key not in _DERIVED}
    rows = plain.get("comparisons")
    if isinstance(rows, list):
        plain["comparisons"] = [
            {key: found for key, found in row.items() if key != "ratio"} if isinstance(row, dict) else row
            for row in rows
        ]
    return from_data(kind, plain, where=named(path))
