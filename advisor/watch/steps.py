"""From looks to figures: what is in flight, how fast the engine writes, what each person gets."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.edge.prometheus import quantile, since
from advisor.engines.looking import Reading
from advisor.schema import value

WINDOW_S = 15.0  # over which rates and percentiles are taken


@value
class Step:
    """The figures of one look, over the looks before it; None: the engine does not tell."""

    at_s: float  # since 1970
    running: int | None
    waiting: int | None
    in_flight: int | None
    slots: int | None
    kv_used: float | None
    output_tokens_per_s: float | None  # of all together
    each_tokens_per_s: float | None  # of each that is answered
    ttft_p95_s: float | None
    tpot_p95_s: float | None
    requests_per_s: float | None
    loaded: tuple[str, ...]


def step_of(readings: Sequence[Reading]) -> Step:
    """The figures of the last look."""
    now = readings[-1]
    recent = [each for each in readings if each.at_s >= now.at_s - WINDOW_S]
    first = recent[0]
    written, finished = (_rate(first, now, name) for name in ("output_tokens", "requests"))
    running = [each.running for each in recent if each.running is not None]
    mean = sum(running) / len(running) if running else 0.0
    return Step(
        at_s=now.at_s,
        running=now.running,
        waiting=now.waiting,
        in_flight=now.in_flight,
        slots=now.slots,
        kv_used=now.kv_used,
        output_tokens_per_s=written,
        each_tokens_per_s=written / mean if written is not None and mean >= 1 else None,
        ttft_p95_s=quantile(since(now.ttft, first.ttft), 0.95) if now.ttft else None,
        tpot_p95_s=quantile(since(now.tpot, first.tpot), 0.95) if now.tpot else None,
        requests_per_s=finished,
        loaded=tuple(each.name for each in now.loaded),
    )


def _rate(first: Reading, now: Reading, name: str) -> float | None:
    """Of a counter a second; None where nobody counts it, or it began anew."""
    if name not in now.totals or name not in first.totals or now.at_s <= first.at_s:
        return None
    more = now.totals[name] - first.totals[name]
    return more / (now.at_s - first.at_s) if more >= 0 else None
