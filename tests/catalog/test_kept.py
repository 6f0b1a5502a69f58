"""What is kept parsed is what parsing gives, whatever lies in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from advisor.catalog.kept import parsed


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "advisor" / "parsed"


class Parser:
    """Counts how often it is asked."""

    def __init__(self, gives: Any = None) -> None:
        self.asked, self.gives = 0, gives

    def __call__(self, text: str) -> Any:
        """What was told to give, else plain data with the text in it."""
        self.asked += 1
        return {"said": text, 8: [1.5, None, True]} if self.gives is None else self.gives


@pytest.mark.usefixtures("cache")
def test_the_same_text_is_parsed_once_and_another_one_anew() -> None:
    """The second look gives an equal value without parsing; a changed text is another one."""
    parse = Parser()
    assert parsed("a: 1", parse) == parsed("a: 1", parse) and parse.asked == 1
    assert parsed("a: 2", parse)["said"] == "a: 2" and parse.asked == 2


@pytest.mark.parametrize("damage", [b"", b"\x00", b"not marshal", b"\xfb\xff\xff\xff\x7f"])
def test_a_damaged_cache_is_parsed_over(cache: Path, damage: bytes) -> None:
    """An empty, cut or foreign file in the cache changes nothing about what is read."""
    parse = Parser()
    first = parsed("a: 1", parse)
    for path in cache.iterdir():
        path.write_bytes(damage)
    assert parsed("a: 1", parse) == first and parse.asked == 2


@pytest.mark.usefixtures("cache")
def test_what_cannot_be_kept_is_parsed_each_time(tmp_path: Path) -> None:
    """A value that is no plain data, and a cache that others may write."""
    assert parsed("x", Parser(tmp_path)) == tmp_path
    parse = Parser()
    folder = tmp_path / "advisor" / "parsed"
    folder.chmod(0o777)
    assert parsed("y", parse) == parsed("y", parse) and parse.asked == 2
