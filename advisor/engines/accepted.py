"""Exact membership: every flag, variable and line must be one that the pinned version of an engine knows.

A parser that takes any unique prefix, or a server that ignores unknown variables in silence, would not tell.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from advisor.errors import EnvironmentFailed
from advisor.schema import Setting


def require(engine: str, settings: tuple[Setting, ...], known: Mapping[str, Iterable[str]]) -> tuple[Setting, ...]:
    """Return the settings unchanged.

    Args:
        engine: its title.
        settings: what is to be written.
        known: kind of setting → every name of that kind which the pinned version accepts.

    Raises:
        EnvironmentFailed: a name that is not accepted (a fault of this program).
    """
    for kind in dict.fromkeys(setting.kind for setting in settings):
        names = frozenset(known.get(kind, ()))
        _require(engine, [setting.name for setting in settings if setting.kind == kind], names)
    return settings


def _require(engine: str, names: Iterable[str], known: frozenset[str]) -> None:
    for name in names:
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known, 3)) or "nothing like it"
            raise EnvironmentFailed(f"{engine} does not accept {name!r}; known is {near}. Please report this.")
