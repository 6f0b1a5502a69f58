"""One line of a log → one request: JSON lines with token counts, OpenAI's answers, Caddy's access log. No text is kept.

Caddy: https://caddyserver.com/docs/caddyfile/directives/log (`ts` is when the answer had ended, `duration` in seconds).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from advisor.edge.reading import said_json
from advisor.edge.terminal import shown

TIMES = ("timestamp", "time", "ts", "created", "created_at", "startTime", "start_time")
_ENDS = ("endTime", "end_time")
READ = ("prompt_tokens", "input_tokens", "prompt_eval_count")
WRITTEN = ("completion_tokens", "output_tokens", "eval_count")
_CACHED = (("prompt_tokens_details", "cached_tokens"), ("input_tokens_details", "cached_tokens"))
_SECONDS = {
    "duration_s": 1.0, "latency_s": 1.0, "request_time": 1.0, "duration_ms": 1e-3, "latency_ms": 1e-3,
    "total_duration": 1e-9,
}  # fmt: skip
_WHO = ("user", "user_id", "end_user")
_INSIDE = ("response", "body")  # where a batch's results keep the answer
_MS_FROM = 1e11  # a time since 1970 beyond this is in milliseconds
_MOST_S = 1e10  # beyond the year 2200
_SERVED = frozenset({"completions", "chat", "generate", "responses", "messages", "embeddings", "embed", "rerank"})
_VECTORS = frozenset({"embeddings", "embed", "rerank"})
_TURNED_AWAY = (429, 503)
_GONE = (0, 499)  # who asked did not wait for the answer: the engine worked on it all the same


class Seen(NamedTuple):
    """One request."""

    at_s: float  # when it came, since 1970
    read: int | None  # tokens; None: the log does not count them
    written: int | None
    took_s: float | None  # None: the log does not tell
    cached: int | None = None  # of what was read
    who: int | None = None  # tells one caller from another, and nothing else of them


Other = Literal["other", "turned away", "failed"]  # a line that is whole, and no request that was served


def request_of(line: str) -> Seen | Other | ValueError:
    """The request of a line, what else the line is, or what is wrong with it."""
    entry = _entry(line)
    if isinstance(entry, dict) and isinstance(entry.get("log"), str):  # as Docker keeps what a container prints
        entry = _entry(entry["log"])
    if not isinstance(entry, dict):
        return ValueError(f"{shown(line.strip())} is no JSON object")
    return _access(entry) if _is_gateways(entry) else _usage(entry)


def _entry(line: str) -> Any:
    """What stands behind the name and time that journals and Compose put before a line."""
    begins = line.find("{")
    return said_json(line[begins:]) if begins >= 0 else None


def _is_gateways(entry: Mapping[str, Any]) -> bool:
    return "logger" in entry or ("request" in entry and "duration" in entry and "ts" in entry)


def _access(entry: Mapping[str, Any]) -> Seen | Other | ValueError:
    """Caddy's: a request is one for text or vectors; the time is that of its end."""
    asked = entry.get("request")
    if not isinstance(asked, dict) or not str(entry.get("logger", "http.log.access")).startswith("http.log.access"):
        return "other"
    what = str(asked.get("uri", "")).partition("?")[0].rpartition("/")[2]
    if asked.get("method") != "POST" or what not in _SERVED:
        return "other"
    outcome = _outcome(entry.get("status"))
    if outcome is not None:
        return outcome
    ended, took = _moment(entry.get("ts")), _finite(entry.get("duration"))
    if ended is None or took is None or took > ended:
        return ValueError("there is no ts or duration in seconds in it")
    return Seen(
        ended - took,
        None,
        0 if what in _VECTORS else None,
        took,
        who=_caller((asked.get("client_ip", asked.get("remote_ip")),)),
    )


def _outcome(status: object) -> Other | None:
    code = status if type(status) is int else 200
    if code in _TURNED_AWAY:
        return "turned away"
    return "failed" if code >= 400 and code not in _GONE else None


def _usage(entry: dict[str, Any]) -> Seen | Other | ValueError:
    """Tokens and times of one answer, wherever its maker puts them."""
    status = entry.get("status_code")
    for name in _INSIDE:
        if isinstance(entry.get(name), dict):
            entry = entry | entry[name]
            status = entry.get("status_code", status)
    outcome = _outcome(status)
    if outcome is not None:
        return outcome
    both = entry | entry["usage"] if isinstance(entry.get("usage"), dict) else entry
    at_s = next((_moment(entry[name]) for name in TIMES if name in entry), None)
    if at_s is None:
        return ValueError(f"there is no time in it ({', '.join(TIMES)})")
    read = _number(both, READ)
    written = _number(both, WRITTEN)
    if written is None and read is not None and _finite(both.get("total_tokens")) == read:
        written = 0.0  # vectors
    if read is None or written is None:
        return ValueError(f"{(READ if read is None else WRITTEN)[0]} is no number of tokens")
    cached = next((number for way in _CACHED if (number := _finite(_at(both, way))) is not None), None)
    return Seen(
        at_s, round(read), round(written), _took(both, at_s), None if cached is None else round(min(cached, read)),
        _caller(tuple(entry.get(name) for name in _WHO)),
    )  # fmt: skip


def _at(entry: Mapping[str, Any], way: tuple[str, str]) -> object:
    inside = entry.get(way[0])
    return inside.get(way[1]) if isinstance(inside, dict) else None


def _moment(given: object) -> float | None:
    """Seconds since 1970, of a number or a date."""
    if isinstance(given, str):
        try:
            told = datetime.fromisoformat(given.replace("/", "-"))
            seconds: float | None = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    else:
        seconds = _finite(given)
        seconds = seconds / 1000 if seconds is not None and seconds > _MS_FROM else seconds
    return seconds if seconds is not None and 0 <= seconds <= _MOST_S else None


def _took(entry: Mapping[str, Any], at_s: float) -> float | None:
    known = ((_finite(entry.get(name)), by) for name, by in _SECONDS.items())
    took = next((number * by for number, by in known if number is not None), None)
    if took is None:
        ended = next((_moment(entry[name]) for name in _ENDS if name in entry), None)
        took = ended - at_s if ended is not None and ended >= at_s else None
    return took if took is not None and took <= _MOST_S else None


def _caller(names: tuple[object, ...]) -> int | None:
    named = [name for name in names if isinstance(name, str | int) and name != ""]
    return hash(named[0]) if named else None


def _number(entry: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    return next((number for name in names if (number := _finite(entry.get(name))) is not None), None)


def _finite(given: object) -> float | None:
    """A number that is not negative; None: it is something else."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if 0 <= given < 1e12 * 1e6 and math.isfinite(given) else None
