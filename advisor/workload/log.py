"""A log of requests as JSON lines: when each came, what it read and wrote, how long it took. Its texts are not kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from advisor.edge.reading import opened_text
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.schema import value

_TIMES = ("timestamp", "time", "ts", "created")
_READ = ("prompt_tokens", "input_tokens")
_WRITTEN = ("completion_tokens", "output_tokens")
_SECONDS = {"duration_s": 1.0, "latency_s": 1.0, "request_time": 1.0, "duration_ms": 1e-3, "latency_ms": 1e-3}
_MS_FROM = 1e11  # a time since 1970 beyond this is in milliseconds
_ACCEPTED = (
    f"each line is a JSON object with {' or '.join(_TIMES)} (seconds since 1970, or 2026-11-28T12:00:00Z), "
    f"prompt_tokens and completion_tokens (also under usage), and duration_s where it is known"
)


@value
class Seen:
    """One request."""

    at_s: float  # when it came, since 1970
    read: int  # tokens
    written: int
    took_s: float | None  # None: the log does not tell


@value
class Log:
    """The requests in the order in which they came, and how many lines were none."""

    requests: tuple[Seen, ...]
    left_out: int


def read_log(path: Path) -> Log:
    """Every line that is a request.

    Raises:
        BadInput: the file cannot be read, or holds no two requests; names the first line that was none, and why.
    """
    found: list[Seen] = []
    odd: list[str] = []
    with opened_text(path, odd="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                one = _seen(line)
                if isinstance(one, Seen):
                    found.append(one)
                else:
                    odd.append(f"line {number}: {one}")
    if len(found) < 2:
        told = f"; {odd[0]}" if odd else ""
        raise BadInput(f"{path}: has {len(found)} requests, two are needed{told}; {_ACCEPTED}")
    return Log(requests=tuple(sorted(found, key=lambda each: each.at_s)), left_out=len(odd))


def _seen(line: str) -> Seen | str:
    """The request of a line; else what is wrong with it."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return f"{shown(line.strip())} is no JSON"
    if not isinstance(entry, dict):
        return f"{shown(line.strip())} is no JSON object"
    at_s, usage = _time(entry), entry.get("usage")
    both = entry | usage if isinstance(usage, dict) else entry
    read, written = (_number(both, names) for names in (_READ, _WRITTEN))
    if at_s is None:
        return f"there is no time in it ({', '.join(_TIMES)})"
    if read is None or written is None:
        return f"{(_READ if read is None else _WRITTEN)[0]} is no number of tokens"
    return Seen(at_s=at_s, read=round(read), written=round(written), took_s=_took(both))


def _time(entry: Mapping[str, Any]) -> float | None:
    given = next((entry[name] for name in _TIMES if name in entry), None)
    if isinstance(given, str):
        try:
            told = datetime.fromisoformat(given)
        except ValueError:
            return None
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    seconds = _finite(given)
    return seconds / 1000 if seconds is not None and seconds > _MS_FROM else seconds


def _took(entry: Mapping[str, Any]) -> float | None:
    known = ((_finite(entry.get(name)), by) for name, by in _SECONDS.items())
    return next((number * by for number, by in known if number is not None), None)


def _number(entry: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    return next((number for name in names if (number := _finite(entry.get(name))) is not None), None)


def _finite(given: object) -> float | None:
    """A number that is not negative; None: it is something else."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if 0 <= given < 1e18 and math.isfinite(given) else None


def changes(log: Log) -> Iterator[tuple[float, int]]:
    """Every moment at which a request comes (+1) or is answered (-1), in order."""
    moments = [(each.at_s, 1) for each in log.requests]
    moments += [(each.at_s + each.took_s, -1) for each in log.requests if each.took_s is not None]
    yield from sorted(moments)
