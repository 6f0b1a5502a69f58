"""One thing that a model brings along, and what becomes of it."""

from __future__ import annotations

from advisor.schema import value


@value
class Row:
    """One thing of a model, and what becomes of it."""

    what: str
    was: str
    becomes: str
    kept: bool  # clients notice nothing
    source: str
