"""Regular expressions that are compiled when they are first needed.

Compiling a hundred of them at each start takes a tenth of an answer, and most are for words that few texts hold.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator


class Pattern:
    """As what `re.compile` gives, but compiled for the first text that may match.

    Args:
        needs: words in lower case, of which one stands in whatever matches; none: every text may match.
    """

    def __init__(self, text: str, flags: int = 0, *, needs: Iterable[str] = ()) -> None:
        self._text, self._flags, self._needs = text, flags, tuple(needs)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match anywhere."""
        return self.compiled.search(text) if self._may_match(text) else None

    def match(self, text: str) -> re.Match[str] | None:
        """A match at the beginning."""
        return self.compiled.match(text) if self._may_match(text) else None

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """A match of the whole text."""
        return self.compiled.fullmatch(text) if self._may_match(text) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every match."""
        return self.compiled.finditer(text) if self._may_match(text) else iter(())

    def split(self, text: str) -> list[str]:
        """What stands between the matches."""
        return self.compiled.split(text) if self._may_match(text) else [text]

    def sub(self, other: str | Callable[[re.Match[str]], str], text: str) -> str:
        """The text with another one in place of every match."""
        return self.compiled.sub(other, text) if self._may_match(text) else text

    @functools.cached_property
    def compiled(self) -> re.Pattern[str]:
        """For what `re` alone does."""
        return re.compile(self._text, self._flags)

    def _may_match(self, text: str) -> bool:
        lowered = text.lower()
        return not self._needs or any(word in lowered for word in self._needs)
