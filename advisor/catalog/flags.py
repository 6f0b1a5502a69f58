"""Every setting that the pinned engines accept, for exact membership: their parsers let misspelt ones in."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from advisor.catalog import engine_limits, raw_entries

Facts = Mapping[str, Any]
SPELLINGS = ("name", "flags")  # the keys under which an entry says how it is written


@functools.cache
def accepted(engine: str) -> Mapping[str, Mapping[str, Facts]]:
    """Kind of setting ("flag", "env", "modelfile") → every spelling of every setting → type, default, choices, ...

    A kind of which the engine publishes no list is not here.

    Raises:
        BadInput: no such engine.
    """
    return {kind: dict(_spelt(file)) for kind, file in engine_limits(engine).settings.items()}


def _spelt(file: str) -> Iterator[tuple[str, Facts]]:
    for entry in raw_entries(file):
        if "rejected" in entry:  # known to the engine, refused by the door that we use
            continue
        facts = {key: item for key, item in entry.items() if key not in SPELLINGS}
        yield from ((spelling, facts) for spelling in entry.get("flags") or (entry["name"],))
