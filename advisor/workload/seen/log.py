"""A log of requests, read line by line within bounds: who reads ten years of it gets the newest million."""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Callable
from pathlib import Path

from advisor.edge.reading import beginnings, is_file, opened_text
from advisor.errors import BadInput
from advisor.schema import value
from advisor.workload.seen.lines import READ, TIMES, WRITTEN, Seen, request_of

MOST_REQUESTS = 1_000_000  # the newest; they take 250 MB
_TOLD_EVERY = 20_000  # lines
MOST_OF_A_LINE = 8 << 20  # characters: a prompt may stand in it
_GZIP = "\x1f\ufffd\x08"  # 1f 8b 08, whose second byte is no UTF-8
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
    first_left_out: str = ""  # the first of them, and why
    other: int = 0  # lines that are none of a request for text or vectors
    turned_away: int = 0  # answered with "too many" or "not now": load that was there and was not served
    failed: int = 0
    earlier: int = 0  # requests beyond the newest million


def read_log(path: Path, progress: Callable[[str], None] = lambda _: None) -> Log:
    """Every line that is a request.

    Args:
        path: the file.
        progress: is told how much of it was read, in tenths.

    Raises:
        BadInput: the file cannot be read, holds no two requests, or more lines that cannot be read than requests;
            names the first line that was none, and why.
    """
    found: deque[Seen] = deque(maxlen=MOST_REQUESTS)
    many, odd, first = 0, 0, ""
    others = {"other": 0, "turned away": 0, "failed": 0}
    size, passed = path.stat().st_size if is_file(path) else 0, 0
    with opened_text(path, odd="replace") as lines:
        for number, line in enumerate(beginnings(lines, MOST_OF_A_LINE), 1):
            passed += len(line)
            if size and not number % _TOLD_EVERY:
                progress(f"reading {path.name}: {10 * min(10 * passed // size, 9)} %")
            if not line.strip():
                continue
            if number == 1 and line.startswith(_GZIP):
                raise BadInput(f"{path}: is compressed by gzip; unpack it first: gunzip -k {shlex.quote(str(path))}")
            one = request_of(line)
            if isinstance(one, Seen):
                found.append(one)
                many += 1
            elif isinstance(one, str):
                others[one] += 1
            else:
                odd, first = odd + 1, first or f"line {number}: {one}"
    if many < 2 or odd > many:
        seen = f"has {many} requests, two are needed" if many < 2 else f"{odd:,} lines cannot be read, {many:,} can"
        raise BadInput(f"{path}: {seen}{f'; {first}' if first else ''}; {_ACCEPTED}")
    return Log(
        requests=tuple(sorted(found, key=lambda each: each.at_s)), left_out=odd, first_left_out=first,
        other=others["other"], turned_away=others["turned away"], failed=others["failed"], earlier=many - len(found),
    )  # fmt: skip
