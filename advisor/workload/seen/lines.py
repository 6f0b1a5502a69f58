"""One line of a log → one request: JSON lines with token counts, OpenAI's answers, Caddy's access log. No text is kept.

Caddy: https://caddyserver.com/docs/caddyfile/directives/log (`ts` is when the answer had ended, `duration` in seconds).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from advisor.edge.reading import said_json
from advisor.edge.terminal import shown, visible
from advisor.workload.seen.values import Moment, length_of_time, moment, number

TIMES = ("timestamp", "time", "ts", "created", "created_at", "startTime", "start_time")
_ENDS = ("endTime", "end_time")
READ = ("prompt_tokens", "input_tokens", "prompt_eval_count")
WRITTEN = ("completion_tokens", "output_tokens", "eval_count")
_CACHED = (("prompt_tokens_details", "cached_tokens"), ("input_tokens_details", "cached_tokens"))
_HELD = "cache_read_input_tokens"
_BESIDE = frozenset((_HELD, "cache_creation_input_tokens"))  # Anthropic's input_tokens are without them
_SECONDS = {
    "duration_s": 1.0, "latency_s": 1.0, "request_time": 1.0, "duration_ms": 1e-3, "latency_ms": 1e-3,
    "total_duration": 1e-9,
}  # fmt: skip
_WHO = ("user", "user_id", "end_user")
_INSIDE = ("response", "body")  # where a batch's results keep the answer
_SUMS = frozenset(("num_model_requests", "n_requests", "num_requests", "request_count", "api_requests"))
_SERVED = frozenset({"completions", "chat", "generate", "responses", "messages", "embeddings", "embed", "rerank"})
_VECTORS = frozenset({"embeddings", "embed", "rerank"})
_TURNED_AWAY = (429, 503)
_GONE = (0, 499)  # who asked did not wait for the answer: the engine worked on it all the same
_FAILED = frozenset({"failure", "failed", "error", "errored"})
_MOST_KEYS, _MOST_OF_A_KEY = 12, 40


class Seen(NamedTuple):
    """One request."""

    at_s: float  # when it came, since 1970
    read: int | None  # tokens; None: the log does not count them
    written: int | None
    took_s: float | None  # None: the log does not tell
    cached: int | None = None  # of what was read
    who: int | None = None  # tells one caller from another, and nothing else of them
    zoned: bool = True  # its time says of which zone it is


class Odd(NamedTuple):
    """A line that cannot be read."""

    why: str  # without a word of the line: it may be kept
    saw: str = ""  # what stands there, for a message


Other = Literal["other", "turned away", "failed"]  # a line that is whole, and no request that was served


def request_of(line: str) -> Seen | Other | Odd:
    """The request of a line, what else the line is, or what is wrong with it."""
    entry = _entry(line)
    if isinstance(entry, dict) and isinstance(entry.get("log"), str):  # as Docker keeps what a container prints
        entry = _entry(entry["log"])
    if not isinstance(entry, dict):
        return Odd("is no JSON object", shown(line.strip()))
    return request_in(entry)


def request_in(entry: dict[str, Any]) -> Seen | Other | Odd:
    """The same of what a line, or an entry of a list, holds."""
    return _access(entry) if _is_gateways(entry) else _usage(entry)


def _entry(line: str) -> Any:
    """What stands behind the name and time that journals and Compose put before a line."""
    begins = line.find("{")
    return said_json(line[begins:]) if begins >= 0 else None


def _is_gateways(entry: Mapping[str, Any]) -> bool:
    asked = entry.get("request")
    return "logger" in entry or ("duration" in entry and isinstance(asked, dict) and "uri" in asked)


def _access(entry: Mapping[str, Any]) -> Seen | Other | Odd:
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
    ended, took = moment(entry.get("ts")), length_of_time(entry.get("duration"))
    if ended is None or took is None or took > ended.at_s:
        if "ts" not in entry:
            return Odd("there is no ts in it: Caddy's `format json` writes it", _keys(entry))
        return Odd("there is no ts or duration in seconds in it", _saw(entry, "ts", "duration"))
    return Seen(
        ended.at_s - took,
        None,
        0 if what in _VECTORS else None,
        took,
        who=_caller((asked.get("client_ip", asked.get("remote_ip")),)),
        zoned=ended.zoned,
    )


def _outcome(status: object) -> Other | None:
    if isinstance(status, str) and status.lower() in _FAILED:
        return "failed"
    code = status if type(status) is int else 200
    if code in _TURNED_AWAY:
        return "turned away"
    return "failed" if code >= 400 and code not in _GONE else None


def _usage(entry: dict[str, Any]) -> Seen | Other | Odd:
    """Tokens and times of one answer, wherever its maker puts them."""
    said = [entry.get("status"), _at(entry, ("metadata", "status"))]
    status = entry.get("status_code")
    for name in _INSIDE:
        if isinstance(entry.get(name), dict):
            entry = entry | entry[name]
            status = entry.get("status_code", status)
    for each in (status, *said):
        if each is not None and (outcome := _outcome(each)) is not None:
            return outcome
    both = entry | entry["usage"] if isinstance(entry.get("usage"), dict) else entry
    at = next((when for name in TIMES if name in entry and (when := moment(entry[name])) is not None), None)
    read, cached = _read(both)
    written = _number(both, WRITTEN)
    if written is None and read is not None and number(both.get("total_tokens")) == read:
        written = 0.0  # vectors
    if at is None or read is None or written is None or not _SUMS.isdisjoint(both):
        wrong = _summed(both) or _wrong(entry, both, at, read)
        if wrong is not None or at is None or read is None:
            return wrong or Odd("is no request")
    return Seen(
        at_s=at.at_s,
        read=round(read),
        written=round(written or 0.0),
        took_s=_took(both, at.at_s),
        cached=None if cached is None else round(min(cached, read)),
        who=_caller(tuple(entry.get(name) for name in _WHO)),
        zoned=at.zoned,
    )


def _summed(both: Mapping[str, Any]) -> Odd | None:
    """An hour of usage, say: its tokens are not those of one request."""
    name = next((each for each in _SUMS if (number(both.get(each)) or 0) > 1), None)
    why = "says that it sums up several requests, and single ones are needed"
    return None if name is None else Odd(f"{name} {why}", _saw(both, name))


def _wrong(entry: Mapping[str, Any], both: Mapping[str, Any], at: Moment | None, read: float | None) -> Odd | None:
    """What is missing, or is there and cannot be used; None: nothing."""
    if at is None:
        name = next((each for each in TIMES if each in entry), None)
        if name is None:
            return Odd(f"there is no time in it ({', '.join(TIMES)})", _keys(entry))
        return Odd(f"{name} is no time since 1970 and no date", _saw(entry, name))
    names = READ if read is None else WRITTEN
    if _number(both, names) is not None:
        return None
    name = next((each for each in names if each in both), None)
    if name is None:
        return Odd(f"there is no {names[0]} in it", _keys(both))
    return Odd(f"{name} is no number of tokens", _saw(both, name))


def _read(both: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Tokens of the prompt, and how many of them a cache held."""
    read = _number(both, READ)
    cached = next((found for way in _CACHED if (found := number(_at(both, way))) is not None), None)
    if read is None or _BESIDE.isdisjoint(both) or "prompt_tokens" in both:
        return read, cached
    return read + sum(number(both.get(name)) or 0.0 for name in _BESIDE), number(both.get(_HELD))


def _at(entry: Mapping[str, Any], way: tuple[str, str]) -> object:
    inside = entry.get(way[0])
    return inside.get(way[1]) if isinstance(inside, dict) else None


def _took(entry: Mapping[str, Any], at_s: float) -> float | None:
    known = (length_of_time(entry[name], unit_s) for name, unit_s in _SECONDS.items() if name in entry)
    took = next((each for each in known if each is not None), None)
    if took is not None:
        return took
    ended = next((found for name in _ENDS if name in entry and (found := moment(entry[name])) is not None), None)
    return ended.at_s - at_s if ended is not None and ended.at_s >= at_s else None


def _caller(names: tuple[object, ...]) -> int | None:
    named = [name for name in names if isinstance(name, str | int) and name != ""]
    return hash(named[0]) if named else None


def _number(entry: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    return next((found for name in names if name in entry and (found := number(entry[name])) is not None), None)


def _saw(entry: Mapping[str, Any], *names: str) -> str:
    return ", ".join(f"{name}: {shown(entry.get(name))}" for name in names)


def _keys(entry: Mapping[str, Any]) -> str:
    """The names of what is there."""
    named = [visible(name[:_MOST_OF_A_KEY]) for name in list(entry)[:_MOST_KEYS]]
    return ", ".join(named) + (", ..." if len(entry) > _MOST_KEYS else "") if named else "nothing"
