"""Where main of a repository points to, as the Hub says: asked once a day, and not again while the Hub is silent.

What it said lies beside other caches of this user. A commit of this morning is a state of the weights as good as one of
now, and a machine that cannot reach the Hub is not made to wait for it at every answer.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from advisor.catalog.kept import cache_folder, put
from advisor.edge.reading import read_json
from advisor.errors import BadInput
from advisor.models.revision import COMMIT, MAIN, asked_of_hub, offline_by_name
from advisor.schema import Revision

SILENT_S = 600.0  # for which the Hub is not asked again about what it said nothing of
MOST = 256  # repositories that are remembered


def commits_of(repositories: Iterable[str], told: Callable[[], object] = lambda: None) -> dict[str, Revision]:
    """Where main of each points to, as the Hub said today; none where it does not tell of all.

    Args:
        told: called before the Hub is asked.
    """
    wanted = tuple(repositories)
    known, silent = _known()
    missing = [name for name in wanted if name not in known]
    if silent.intersection(missing) or (missing and offline_by_name()):
        return {}
    if missing:
        told()
        try:
            known |= {name: asked_of_hub(name, MAIN).name for name in missing}
        except (OSError, BadInput):
            _keep(known, missing)
            return {}
        _keep(known)
    return {name: Revision(name=known[name], asked=MAIN, seen=_today()) for name in wanted}


def _known() -> tuple[dict[str, str], set[str]]:
    """Repository → commit of today, and those about which the Hub just said nothing; an odd file counts as none."""
    path, found = place(), None
    with contextlib.suppress(BadInput):
        found = read_json(path) if path is not None and path.exists() else None
    kept: dict[str, Any] = found if isinstance(found, dict) else {}
    at, said, silent = (kept.get(key) for key in ("silent_at", "commits", "silent"))
    commits = said if isinstance(said, dict) and kept.get("seen") == _today() else {}
    just_now = type(at) is float and 0 <= time.time() - at < SILENT_S and isinstance(silent, list)
    return (
        {name: one for name, one in commits.items() if isinstance(one, str) and re.fullmatch(COMMIT, one)},
        {name for name in silent if isinstance(name, str)} if just_now and silent else set(),
    )


def _keep(commits: Mapping[str, str], silent: Sequence[str] = ()) -> None:
    """For the next answer; what cannot be kept is asked again."""
    last = dict(list(commits.items())[-MOST:])
    data = {"seen": _today(), "commits": last, "silent": silent, "silent_at": time.time()}
    path = place()
    with contextlib.suppress(OSError):
        if path is not None:
            put(path, json.dumps(data).encode())


def place() -> Path | None:
    """The file of it; None where nothing can be kept."""
    folder = cache_folder("hub")
    return folder / "main.json" if folder else None


def _today() -> str:
    return date.today().isoformat()
