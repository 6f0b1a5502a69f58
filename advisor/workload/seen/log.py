"""A log of requests, read line by line within bounds: who reads ten years of it gets the newest million."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from advisor.edge.reading import beginnings, decoded, named, opened, said_json
from advisor.errors import BadInput
from advisor.schema import value
from advisor.units import MIB
from advisor.workload.seen.lines import READ, TIMES, WRITTEN, Odd, Other, Seen, request_in, request_of

MOST_REQUESTS = 1_000_000  # the newest; they take 250 MB
_TOLD_EVERY = 20_000  # lines
MOST_OF_A_LINE = 8 << 20  # characters: a prompt may stand in it
MOST_OF_A_LIST = 64 * MIB  # of a file that is one list, which is read as a whole
_GZIP = b"\x1f\x8b\x08"
_LISTS = ("data", "logs", "results")  # where an export keeps its entries
_ACCEPTED = (
    f"each line is a JSON object with {' or '.join(TIMES)} (seconds since 1970, or 2026-11-28T12:00:00Z), "
    f"{READ[0]} and {WRITTEN[0]} (also under usage), and duration_s where it is known; or it is the access log of our "
    "gateway (Caddy's JSON)"
)


@value
class Log:
    """The requests in the order in which they came, and what else the lines were."""

    requests: tuple[Seen, ...]
    left_out: int  # lines that cannot be read
    first_left_out: str = ""  # the first of them, and why; nothing of what it says
    other: int = 0  # lines that are none of a request for text or vectors
    turned_away: int = 0  # answered with "too many" or "not now": load that was there and was not served
    failed: int = 0
    earlier: int = 0  # requests beyond the newest million


class Tally:
    """What the lines of a log were, added up one by one."""

    def __init__(self, unit: str = "line") -> None:
        self.found: deque[Seen] = deque(maxlen=MOST_REQUESTS)
        self.many = self.odd = 0
        self.first, self.saw = "", ""
        self.others: dict[Other, int] = {"other": 0, "turned away": 0, "failed": 0}
        self._unit = unit

    def add(self, number: int, one: Seen | Other | Odd) -> None:
        """The next line."""
        if isinstance(one, Seen):
            self.found.append(one)
            self.many += 1
        elif isinstance(one, Odd):
            self.odd += 1
            if not self.first:
                self.first, self.saw = f"{self._unit} {number}: {one.why}", one.saw
        else:
            self.others[one] += 1

    @property
    def is_log(self) -> bool:
        """Two requests, and no more lines that cannot be read."""
        return self.many >= 2 and self.odd <= self.many

    def log(self) -> Log:
        """All of it."""
        return Log(
            requests=tuple(sorted(self.found, key=lambda each: each.at_s)), left_out=self.odd,
            first_left_out=self.first, other=self.others["other"], turned_away=self.others["turned away"],
            failed=self.others["failed"], earlier=self.many - len(self.found),
        )  # fmt: skip

    def refusal(self) -> str:
        """Why it is no log, what was seen, and what is accepted."""
        if self.many >= 2:
            seen = f"{self.odd:,} lines cannot be read, {self.many:,} can"
        else:
            seen = f"has {self.many} request{'' if self.many == 1 else 's'}, two are needed"
        others = (
            ("failed", "{} failed"),
            ("turned away", "{} were turned away"),
            ("other", "{} lines tell of other things"),
        )
        told = [words.format(f"{self.others[name]:,}") for name, words in others if self.others[name]]  # type: ignore[index]
        first = [f"{self.first}{f' (saw {self.saw})' if self.saw else ''}"] if self.first else []
        return "; ".join((seen, *told, *first, _ACCEPTED))


def read_log(path: Path, progress: Callable[[str], None] = lambda _: None) -> Log:
    """Every line that is a request, or every entry where the file is one list of them; unpacked where it is packed.

    Args:
        path: the file.
        progress: is told how much of it was read, in tenths.

    Raises:
        BadInput: the file cannot be read, holds no two requests, or more lines that cannot be read than requests;
            names the first line that was none, and why.
    """
    found = _by_lines(path, progress)
    if not found.is_log:
        listed = _by_entries(path)
        found = listed if listed is not None and (listed.is_log or not found.many) else found
    if not found.is_log:
        raise BadInput(f"{named(path)}: {found.refusal()}")
    return found.log()


def _by_lines(path: Path, progress: Callable[[str], None]) -> Tally:
    found = Tally()
    size = path.stat().st_size if path.exists() else 0
    with opened(path) as packed, unpacked(packed, path) as stream, decoded(stream, named(path), odd="replace") as lines:
        for number, line in enumerate(beginnings(lines, MOST_OF_A_LINE), 1):
            if size and not number % _TOLD_EVERY:
                progress(f"reading {path.name}: {10 * min(10 * packed.tell() // size, 9)} %")
            if line.strip():
                found.add(number, request_of(line))
    return found


def _by_entries(path: Path) -> Tally | None:
    """Of a file that is one list, or one object with a list in it, as exports are; None: it is neither."""
    with opened(path) as packed, unpacked(packed, path) as stream:
        content = stream.read(MOST_OF_A_LIST + 1)
    whole: Any = said_json(content) if len(content) <= MOST_OF_A_LIST else None
    if isinstance(whole, dict):
        whole = next((whole[name] for name in _LISTS if isinstance(whole.get(name), list)), None)
    if not isinstance(whole, list) or not whole:
        return None
    found = Tally("entry")
    for number, entry in enumerate(whole, 1):
        found.add(number, request_in(entry) if isinstance(entry, dict) else Odd("is no JSON object"))
    return found


@contextlib.contextmanager
def unpacked(stream: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """A file as it is, or what gzip made of it: logs are kept so once they are old.

    Raises:
        BadInput: it is broken off.
    """
    begins = stream.read(len(_GZIP))
    stream.seek(0)
    if begins != _GZIP:
        yield stream
        return
    try:
        with gzip.GzipFile(fileobj=stream) as text:
            yield text  # type: ignore[misc]  # a stream of bytes, of another family
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{named(path)}: is compressed by gzip and broken ({error})") from None
