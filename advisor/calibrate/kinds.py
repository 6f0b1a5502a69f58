"""Kinds of measurement that errors are told apart by, and what is told of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from advisor.calibrate.rows import CLOCKED, PROMPT, PROMPTS, Row, prefix_cached
from advisor.calibrate.validate import Error


class Kind(NamedTuple):
    """Errors of one kind of measurement, as shares."""

    rows: int
    sources: int
    median: float
    by_source: float  # the median of the sources' medians
    p90: float
    twice: float  # rows off by more than twice
    signed: float


def _flight(row: Row) -> float:
    return float(row.request["concurrency"] or 0.0)


def _every(_: Error, row: Row) -> bool:
    """Every row but those of a prompt alone."""
    return row.measurement not in PROMPTS


KINDS: tuple[tuple[str, str, Callable[[Error, Row], bool]], ...] = (
    ("rate, all", "rate", _every),
    ("rate, vLLM, one stream", "rate", lambda e, row: e.engine == "vllm" and 0 < _flight(row) <= 1),
    ("rate, vLLM, 2 to 7 in flight", "rate", lambda e, row: e.engine == "vllm" and 1 < _flight(row) < 8),
    ("rate, vLLM, 8 and more", "rate", lambda e, row: e.engine == "vllm" and _flight(row) >= 8),
    ("rate, vLLM, open loops and bursts", "rate", lambda e, row: e.engine == "vllm" and not _flight(row)),
    ("rate, Ollama, one stream", "rate", lambda e, row: _ollama(e, row) and _flight(row) <= 1),
    ("rate, llama.cpp, one stream", "rate", lambda e, row: _plain(e, row) and _flight(row) <= 1),
    ("rate, several slots", "rate", lambda e, row: e.engine != "vllm" and _flight(row) > 1),
    ("rate, several slots, server", "rate", lambda e, row: e.engine != "vllm" and _flight(row) > 1 and _served(row)),
    ("TPOT", "tpot", _every),
    ("TTFT, prompt stated", "ttft", lambda e, row: _every(e, row) and bool(row.request["input_tokens"])),
    ("TTFT, one in flight", "ttft", lambda e, row: _every(e, row) and _flight(row) == 1 and _prompted(row)),
    ("TTFT, from the cache by its source's word", "ttft", lambda e, row: _every(e, row) and prefix_cached(row)),
    ("TTFT, not from the cache", "ttft", lambda e, row: _computed(e, row)),
    ("TTFT, the same, one in flight", "ttft", lambda e, row: _computed(e, row) and _flight(row) == 1),
    ("TTFT, the same, 2 to 16 in flight", "ttft", lambda e, row: _computed(e, row) and 1 < _flight(row) <= 16),
    ("TTFT, the same, over 16 in flight", "ttft", lambda e, row: _computed(e, row) and _flight(row) > 16),
    ("TTFT, the same, open loops and bursts", "ttft", lambda e, row: _computed(e, row) and not _flight(row)),
    ("prompts of llama-bench", "ttft", lambda _, row: row.measurement == PROMPT),
    ("prompts by a server's own clock", "ttft", lambda e, row: row.measurement == CLOCKED and not e.cached),
)


def _computed(error: Error, row: Row) -> bool:
    """A prompt of stated length that neither its source says nor a measurement proves to have lain in the cache."""
    return _every(error, row) and _prompted(row) and not (error.cached or prefix_cached(row))


def _ollama(error: Error, row: Row) -> bool:
    return error.engine != "vllm" and row.request["engine"] == "Ollama"


def _plain(error: Error, row: Row) -> bool:
    return error.engine != "vllm" and row.request["engine"] != "Ollama"


def _served(row: Row) -> bool:
    return row.request["mode"] == "serving"


def _prompted(row: Row) -> bool:
    return bool(row.request["input_tokens"])


def kinds(errors: Sequence[Error], rows: Mapping[str, Row]) -> dict[str, Kind]:
    """The kinds of which something was measured, by name."""
    found = {name: _kind([e for e in errors if test(e, rows[e.id])], figure) for name, figure, test in KINDS}
    return {name: kind for name, kind in found.items() if kind is not None}


def _kind(errors: Sequence[Error], figure: str) -> Kind | None:
    told = [(error.group, math.expm1(value)) for error in errors if (value := getattr(error, figure)) is not None]
    if not told:
        return None
    by_source: dict[str, list[float]] = {}
    for group, share in told:
        by_source.setdefault(group, []).append(abs(share))
    sizes = sorted(abs(share) for _, share in told)
    return Kind(
        rows=len(told),
        sources=len(by_source),
        median=median(sizes),
        by_source=median(median(sizes) for sizes in by_source.values()),
        p90=sizes[int(0.9 * len(sizes))],
        twice=sum(not 0.5 <= 1 + share <= 2 for _, share in told) / len(told),
        signed=median(share for _, share in told),
    )
