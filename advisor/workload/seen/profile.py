"""What was seen as keys of a profile, and the profile as a file: every line says whether it was seen or assumed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from advisor.edge.terminal import visible
from advisor.schema import Workload
from advisor.units import seconds
from advisor.workload import load_workload
from advisor.workload.key import REQUIRED, Key
from advisor.workload.keys import KEYS, OF_WORKLOAD
from advisor.workload.kinds import Number
from advisor.workload.seen.figures import HOUR_S, Lengths, Observed

_GRAIN = 1024  # tokens that a context is rounded up to
_OF_LOAD = {"users", "staff", "concurrency", "request_rate", "burst_users"}
_OF_PROMPT = {"input_tokens", "history_tokens", "shared_prefix_tokens"}
_ALL_READ = "assumed: what a cache held is not told, so that every prompt is read whole"


class Said(NamedTuple):
    """The value of a key, and how it is known."""

    value: Any
    remark: str


def seen_keys(found: Observed) -> dict[str, Said]:
    """The keys that follow from what was seen; what does not show has none."""
    return {**dict(_load(found)), **dict(_lengths(found))}


def _load(found: Observed) -> Iterator[tuple[str, Said]]:
    people = found.people or found.in_flight_p95 or max(math.ceil(found.in_flight or 0), found.in_flight_then or 0)
    if people:
        how = "different callers" if found.people else "at least as many as were in flight at once"
        yield "users", Said(people, f"seen: {how}{_when(found)}")
    if found.busiest_rate:
        rate = _within("request_rate", _short(found.busiest_rate, 4))
        yield "request_rate", Said(rate, f"seen: a second{_when(found)}")
    if found.dispersion is not None:
        bunched = _within("dispersion", _short(found.dispersion, 3))
        yield "dispersion", Said(bunched, f"seen: variance over mean of those in flight{_when(found)}, at least 1")


def _lengths(found: Observed) -> Iterator[tuple[str, Said]]:
    if found.read:
        mean = max(round(found.read.mean), 1)
        ratio = _within("prompt_p95", _short(found.read.p95 / max(found.read.mean, 1.0), 3))
        yield "input_tokens", Said(mean, "seen: the mean")
        yield "prompt_p95", Said(ratio, f"seen: 95th percentile over the mean; {_spread(found.read)}")
        cached = "seen: the mean of what lay in the cache" if found.cached is not None else _ALL_READ
        yield "history_tokens", Said(min(round(found.cached or 0), mean), cached)
        yield "shared_prefix_tokens", Said(0, "assumed: what all prompts share does not show")
    if found.written and not found.written.most:
        yield "task", Said("embed", "seen: nothing is written, so that it is vectors that are asked for")
    elif found.written:
        yield "output_tokens", Said(max(round(found.written.mean), 1), f"seen: the mean; {_spread(found.written)}")
    if found.longest is not None:
        yield "context_tokens", Said(_whole(found.longest), f"seen: the longest request has {found.longest:,}")


def _whole(tokens: int) -> int:
    return math.ceil(max(tokens, 1) / _GRAIN) * _GRAIN


def _spread(lengths: Lengths) -> str:
    return f"half up to {lengths.p50:,}, 95 % up to {lengths.p95:,}, 99 % up to {lengths.p99:,}, most {lengths.most:,}"


def _when(found: Observed) -> str:
    """A server's page tells no hour from another."""
    told = found.in_flight_p95 is not None or found.busiest_rate != found.request_rate
    return " in the busiest hour" if told and found.span_s is not None and found.span_s >= 2 * HOUR_S else ""


def _short(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}")


def _within(name: str, number: float) -> float:
    """The nearest that the key accepts."""
    kind = OF_WORKLOAD[name].kind
    return min(max(number, kind.least), kind.most) if isinstance(kind, Number) else number


def over(found: Observed, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, over what was seen: whoever types a load or a length means that one."""
    typed = {name: item for name, item in given.items() if item is not None}
    seen = {name: said.value for name, said in seen_keys(found).items()}
    for group in (_OF_LOAD, _OF_PROMPT):
        if typed.keys() & group:
            seen = {name: item for name, item in seen.items() if name not in group}
    both = {**seen, **typed}
    if "context_tokens" in seen and "context_tokens" not in typed:
        both["context_tokens"] = max(
            seen["context_tokens"], _whole(both["input_tokens"] + both.get("output_tokens", 0))
        )
    return {**given, **both}


def told(found: Observed, source: str) -> Iterator[str]:
    """What was seen, a fact a line."""
    span = f" in {seconds(found.span_s)}" if found.span_s else ""
    yield f"{source}: {found.requests:,} requests{span}"
    if found.request_rate is not None:
        busiest = f"; {found.busiest_rate:.3g} in the busiest hour" if _when(found) and found.busiest_rate else ""
        yield f"arrivals: {found.request_rate:.3g} a second{busiest}" + _bunching(found)
    for what, lengths in (("read", found.read), ("written", found.written)):
        yield f"{what}: {f'{lengths.mean:,.0f} tokens on average, {_spread(lengths)}' if lengths else 'not told'}"
    if found.in_flight is None:
        yield "in flight: not told, for that it takes how long answers took"
    else:
        most = f", {found.in_flight_p95} at the 95th percentile" if found.in_flight_p95 is not None else ""
        yield f"in flight: {found.in_flight:.3g} on average{most}, with {found.latency_s:.3g} s an answer"
    yield from found.notes


def _bunching(found: Observed) -> str:
    return "" if found.dispersion is None else f"; variance over mean of those in flight {found.dispersion:.3g}"


def profile_text(found: Observed, source: str, profile: str | None = None) -> str:
    """The profile as YAML, each line with what it comes from.

    Args:
        found: what was seen.
        source: what the log or the server is called.
        profile: that of what was not seen; None: by the load.

    Raises:
        BadInput: the profile cannot be used.
    """
    seen = seen_keys(found)
    whole = load_workload(profile, {name: said.value for name, said in seen.items()})
    remarks = ("Made by `advisor workload`.", *told(found, source))
    lines = [*(f"# {visible(' '.join(line.split()))}" for line in remarks), "title: As it was seen"]
    return "\n".join([*lines, *_lines(whole, seen)]) + "\n"


def _lines(whole: Workload, seen: Mapping[str, Said]) -> Iterator[str]:
    for key in KEYS:
        item = getattr(whole, key.name)
        if key.name in seen:
            yield f"{key.name}: {_written(item)}  # {seen[key.name].remark}"
        elif key.default is REQUIRED or item != key.default:
            yield f"{key.name}: {_written(item)}  # assumed, as in {Path(whole.profile).stem}{_unless(key)}"


def _unless(key: Key) -> str:
    return "; set it to what people wait for" if key.group == "targets" else ""


def _written(item: object) -> str:
    if isinstance(item, bool):
        return str(item).lower()
    return f"{item:.6g}" if isinstance(item, float) else str(item)
