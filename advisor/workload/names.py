"""Names and lines of text that a workload key accepts; `kinds.py` says what every kind has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any

from advisor.schema import value
from advisor.workload.kinds import NotAccepted


@value
class Name:
    """One of a few names; who knows them is asked when they are needed."""

    names: Callable[[], Sequence[str]]

    @property
    def metavar(self) -> str:
        """All of them."""
        return "|".join(self.names())

    @property
    def example(self) -> str:
        """The first of them."""
        return self.names()[0]

    def accepted(self) -> str:
        """`one of auto, both`."""
        return f"one of {', '.join(self.names())}"

    def read(self, item: object) -> str:
        """The name as it stands in the list."""
        text = _line(item)
        if text not in self.names():
            raise NotAccepted(near=_nearest(text, self.names()))
        return text

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"type": "string", "enum": list(self.names())}


@value
class Names:
    """One word that stands alone, or names with commas between them."""

    alone: tuple[str, ...]
    names: Callable[[], Sequence[str]]
    also: tuple[tuple[str, str], ...] = ()  # what people say for one of them

    @property
    def metavar(self) -> str:
        """`auto|all|none|NAME,...`."""
        return "|".join((*self.alone, "NAME,..."))

    @property
    def example(self) -> str:
        """The first word."""
        return self.alone[0]

    def accepted(self) -> str:
        """`auto, all, none, or some of gateway, monitoring`."""
        return f"{', '.join(self.alone)}, or some of {', '.join(self.names())} with commas between them"

    def read(self, item: object) -> str:
        """The text as it was written, if all its names are known."""
        text = _line(item)
        if text in self.alone:
            return text
        for name in text.split(","):
            if name.strip() not in self.names():
                near = dict(self.also).get(name.strip().lower()) or _nearest(name.strip(), (*self.names(), *self.alone))
                raise NotAccepted(near=near and (near if near in self.alone else text.replace(name.strip(), near, 1)))
        return text

    def schema(self) -> dict[str, Any]:
        """A string with a pattern."""
        name = f"({'|'.join(map(re.escape, self.names()))})"
        return {"type": "string", "pattern": f"^({'|'.join(self.alone)}|{name}( *, *{name})*)$"}


@value
class Text:
    """One line of text, which whoever understands it may be asked about."""

    like: str  # completes "this is not ..."
    most: int = 4096  # characters
    metavar: str = "TEXT"
    objection: Callable[[str], str | None] = lambda _: None  # None: understood; else a hint, which may be empty
    example: str = ""

    def accepted(self) -> str:
        """What it must say."""
        return self.like

    def read(self, item: object) -> str:
        """The text without blanks around it."""
        text = _line(item, self.most)
        hint = self.objection(text)
        if hint is not None:
            raise NotAccepted(hint)
        return text

    def schema(self) -> dict[str, Any]:
        """A string of bounded length."""
        return {"type": "string", "minLength": 1, "maxLength": self.most}


def _line(item: object, most: int = 4096) -> str:
    """Text that a terminal shows and does not obey."""
    text = item.strip() if isinstance(item, str) else ""
    if not text:
        raise NotAccepted
    if len(text) > most:
        raise NotAccepted(f"it is longer than {most:,} characters")
    if not text.isprintable():
        raise NotAccepted("it holds a line break or a control character")
    return text


def _nearest(text: str, names: Sequence[str]) -> str | None:
    """What it begins, else what it looks like."""
    low = text.lower()
    begun = [name for name in names if len(low) > 1 and name.startswith(low)]
    return next(iter(begun or difflib.get_close_matches(low, names, n=1)), None)
