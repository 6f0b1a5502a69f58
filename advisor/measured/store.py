"""Where measurements lie: in this user's data folder, or in a file that somebody names.

`advisor smoke` keeps its figures under ${XDG_DATA_HOME:-~/.local/share}/advisor/measurements, one file for a machine,
model, engine and settings. They are read once, at the edge, and handed to whoever predicts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.errors import BadInput, EnvironmentFailed
from advisor.measured.correction import Measurements
from advisor.measured.entries import MeasuredLoad, Measurement, later
from advisor.schema import Candidate, ModelSpec

NONE = "none"  # as a choice of `--measurements`
_ACCEPTED = f"accepted: what `advisor measurements list --json` prints, a file or folder of measurements, or {NONE!r}"


def folder() -> Path:
    """Where this machine's measurements lie; it need not exist."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "advisor" / "measurements"


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
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise BadInput(f"--measurements {path}: is a folder without a measurement\n{_ACCEPTED}")
    return Measurements(entries=tuple(entry for file in files for entry in _handed_in(file)))


def kept_here() -> Measurements:
    """Everything that was kept on this machine; a file that cannot be understood is passed over."""
    found = []
    for path in sorted(folder().glob("*.json")):
        try:
            found.append(_from_data(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return Measurements(entries=tuple(found))


def _from_data(data: Mapping[str, Any]) -> Measurement:
    """Without pydantic: it is on the way of every advice, and a bad file is passed over."""
    parts = {
        "model": ModelSpec(**_tuples(data["model"])),
        "candidate": Candidate(**_tuples(data["candidate"])),
        "loads": tuple(MeasuredLoad(**load) for load in data["loads"]),
    }
    return Measurement(**{**data, **parts})


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(item) if isinstance(item, list) else item for key, item in data.items()}


def _handed_in(path: Path) -> tuple[Measurement, ...]:
    """One measurement or a list of them, checked key by key: somebody says that they are."""
    from advisor.wire import from_data, read_json

    where = f"--measurements {path}"
    try:
        data = read_json(path, where=where)
        listed = data if isinstance(data, list) else [data]
        for item in listed:
            if not isinstance(item, dict) or "loads" not in item:
                raise BadInput(f"{where}: holds no measurement; saw {json.dumps(item):.80}")
        return tuple(from_data(Measurement, item, where=where) for item in listed)
    except BadInput as error:
        raise BadInput(f"{error}\n{_ACCEPTED}") from None


def keep(entry: Measurement) -> Path:
    """Add an entry to what is kept here; a load that was there already is replaced.

    Raises:
        EnvironmentFailed: the system refuses: no permission, disk full.
    """
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json

    before = next((known for known in kept_here().entries if known.id == entry.id), None)
    path = folder() / f"{entry.id}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, to_json(later(before, entry) if before else entry), overwrite=True)
    except OSError as error:
        raise EnvironmentFailed(f"{path}: cannot be written ({error.strerror})") from None
    return path


def forget(words: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Remove the measurements whose id begins with one of `words`; without words all. Returns what is gone.

    Raises:
        BadInput: a word fits none.
        EnvironmentFailed: a file cannot be removed.
    """
    known = [entry.id for entry in kept_here().entries]
    chosen = list(known) if not words else []
    for word in words:
        fitting = [name for name in known if name.startswith(word)]
        if not fitting:
            raise BadInput(f"no measurement begins with {word!r}; there are: {', '.join(known) or 'none'}")
        chosen += [name for name in fitting if name not in chosen]
    for name in chosen:
        try:
            (folder() / f"{name}.json").unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentFailed(f"{name}.json: cannot be removed ({error.strerror})") from None
    return tuple(chosen)
