"""Where measurements lie: in this user's data folder, or in a file that somebody names.

`advisor smoke` keeps its figures under ${XDG_DATA_HOME:-~/.local/share}/advisor/measurements, one file for a machine,
model, engine and settings. They are read once, at the edge, and handed to whoever predicts.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from advisor.edge.filekinds import MEASUREMENTS, expected
from advisor.edge.reading import at_home, is_folder, named, read_json
from advisor.edge.terminal import shown
from advisor.errors import BadInput, EnvironmentFailed
from advisor.measured.correction import Measurements
from advisor.measured.entries import MeasuredLoad, Measurement, later
from advisor.schema import Candidate, ModelSpec
from advisor.units import MIB
from advisor.wire import plainly, to_data

LEAST, MOST = 1e-9, 1e12  # of a figure that was measured
NONE = "none"  # as a choice of `--measurements`
_ACCEPTED = f"accepted: what `advisor measurements list --json` prints, a file or folder of measurements, or {NONE!r}"


def folder() -> Path:
    """Where this machine's measurements lie; it need not exist."""
    return at_home(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "advisor" / "measurements"


def measurements_from(which: str | None) -> Measurements:
    """The measurements of a file or folder, none of them, or (None) what this machine's own folder holds.

    Raises:
        BadInput: the file holds something else; names file, what was seen and what is accepted.
    """
    if which is None:
        return kept_here()
    if which == NONE:
        return Measurements()
    path = Path(which)
    files = sorted(path.glob("*.json")) if is_folder(path) else [path]
    if not files:
        raise BadInput(f"--measurements {path}: is a folder without a measurement\n{_ACCEPTED}")
    return Measurements(entries=tuple(entry for file in files for entry in _handed_in(file)))


def kept_here() -> Measurements:
    """Everything that was kept on this machine; a file that cannot be understood is passed over."""
    return Measurements(entries=tuple(_kept().values()))


def _kept() -> dict[Path, Measurement]:
    """What is kept, by the file that it was found in."""
    found = {}
    for path in sorted(folder().glob("*.json")):
        with contextlib.suppress(BadInput):
            found[path] = _from_data(read_json(path, most=MIB), str(path))
    return found


def _from_data(data: Any, where: str) -> Measurement:
    """Without pydantic: it is on the way of every advice.

    Raises:
        BadInput: it is no measurement whose loads a speed can be corrected by.
    """
    if not isinstance(data, dict) or not isinstance(data.get("loads"), list):
        raise BadInput(f"{where}: holds no measurement")
    parts = {
        "model": plainly(ModelSpec, data.get("model"), where),
        "candidate": plainly(Candidate, data.get("candidate"), where),
        "loads": tuple(plainly(MeasuredLoad, load, where) for load in data["loads"]),
    }
    return _usable(plainly(Measurement, {**data, **parts}, where), where)


def _usable(entry: Measurement, where: str) -> Measurement:
    """Refuse loads that nothing can be divided by."""
    for load in entry.loads:
        figures = {**to_data(load), "shared_prefix_tokens": LEAST, "history_tokens": LEAST}  # these may be 0
        odd = next((key for key, figure in figures.items() if not LEAST <= figure <= MOST), None)
        if odd is not None:
            raise BadInput(f"{where}: loads: {odd}: must be from {LEAST:g} to {MOST:g}; saw {shown(figures[odd])}")
    return entry


def _handed_in(path: Path) -> tuple[Measurement, ...]:
    """One measurement or a list of them, checked key by key: somebody says that they are."""
    from advisor.wire import from_data

    where = f"--measurements {named(path)}"
    try:
        with expected(MEASUREMENTS, path, where):
            data = read_json(path, where=where, once=True)
            listed = data if isinstance(data, list) else [data]
            for item in listed:
                if not isinstance(item, dict) or "loads" not in item:
                    raise BadInput(f"{where}: holds no measurement; saw {json.dumps(item):.80}")
            return tuple(_usable(from_data(Measurement, item, where=where), where) for item in listed)
    except BadInput as error:
        raise BadInput(f"{error}\n{_ACCEPTED}", near=error.near, seen=error.seen, flag=error.flag) from None


def keep(entry: Measurement) -> Path:
    """Add an entry to what is kept here; a load that was there already is replaced.

    Raises:
        EnvironmentFailed: the system refuses: no permission, disk full.
    """
    from advisor.folder.lock import locked
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json

    path = folder() / f"{entry.id}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFailed(f"{path}: cannot be written ({error.strerror})") from None
    with locked(path.parent):  # between reading and writing nobody else adds a load
        before = next((known for known in kept_here().entries if known.id == entry.id), None)
        write_atomically(path, to_json(later(before, entry) if before else entry), overwrite=True)
    return path


def forget(words: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Remove the measurements whose id begins with one of `words`; without words all. Returns what is gone.

    Raises:
        BadInput: a word fits none.
        EnvironmentFailed: a file cannot be removed.
    """
    kept = _kept()
    known = [entry.id for entry in kept.values()]
    chosen = list(known) if not words else []
    for word in words:
        fitting = [name for name in known if name.startswith(word)]
        if not fitting:
            raise BadInput(f"no measurement begins with {shown(word)}; there are: {', '.join(known) or 'none'}")
        chosen += [name for name in fitting if name not in chosen]
    for path in [path for path, entry in kept.items() if entry.id in chosen]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentFailed(f"{path}: cannot be removed ({error.strerror})") from None
    return tuple(chosen)
