"""The four figures that one looks at first: first word, reading speed, how many people, the other engine."""

from __future__ import annotations

from typing import NamedTuple

from advisor.catalog import engine_limits
from advisor.decide import misses, vetoed
from advisor.pipeline import Answer
from advisor.report.headline import closest, explanation, title_of
from advisor.report.predictions import MAY_MISS, MISSES, NONE, OK, Prediction, predictions
from advisor.schema import Judged
from advisor.units import count, several

KINDS = {OK: "ok", MAY_MISS: "may", MISSES: "miss"}  # of a state, as style sheets call it


class Tile(NamedTuple):
    """A label, a figure, what belongs to it, and whether its target is met."""

    label: str
    figure: str
    detail: str
    state: str
    kind: str


def kind_of(state: str) -> str:
    """`misses by 4 %` → `miss`."""
    return next((kind for word, kind in KINDS.items() if state.startswith(word)), "")


def tiles(answer: Answer) -> tuple[Tile, ...]:
    """Always four, also where nothing is known of one."""
    rows = predictions(answer)
    first = next((row for row in rows if row.label.startswith(("first word", "one text"))), None)
    crowd = next((row for row in rows if row.label.endswith("before it slips")), None)
    return (_told(first, "first word, p95"), _pace(answer, rows), _crowd(answer, crowd), _other(answer))


def _told(row: Prediction | None, label: str) -> Tile:
    if row is None:
        return Tile(label, "unknown", "nothing tells how fast it is", "", "")
    span = f"{row.span} in 8 of 10 runs; " if row.span != NONE else ""
    return Tile(row.label, row.predicted, f"{span}target {row.target}", row.state, kind_of(row.state))


def _pace(answer: Answer, rows: tuple[Prediction, ...]) -> Tile:
    """Tokens a second as one person reads them; of vectors, all texts together."""
    winner, asked = answer.verdict.winner, answer.workload
    speed = winner.estimate.peak_speed if winner else None
    if asked.pooled or speed is None:
        return _told(next((row for row in rows if row.label.startswith("all together")), None), "speed")
    state = next((row.state for row in rows if row.label.startswith("time per token")), "")
    slow, usual, quick = (
        count(1 / end) for end in (speed.tpot_p95_s.high, speed.tpot_p95_s.expected, speed.tpot_p95_s.low)
    )
    target = f"{count(1000 / asked.tpot_ms)} tokens/s" if asked.tpot_ms else "none"
    return Tile(
        "reading speed, p95",
        f"{usual} tokens/s",
        f"{slow} to {quick} in 8 of 10 runs; target {target}",
        state,
        kind_of(state),
    )


def _crowd(answer: Answer, row: Prediction | None) -> Tile:
    """How many may come before a target is missed; the busiest moment beside it."""
    winner = answer.verdict.winner
    most = winner.estimate.peak_in_flight if winner else 0
    peak = f"{several(most, 'request')} in flight at the busiest moment" if winner else ""
    if row is None:
        return Tile("users before it slips", "unknown", peak, "", "")
    return Tile(row.label, row.predicted, f"planned for {row.target}; {peak}", row.state, kind_of(row.state))


def _other(answer: Answer) -> Tile:
    """What the closest way of the other engine would do."""
    other = next(iter(closest(answer)), None)
    if other is None:
        return Tile("the other engine", "not looked at", answer.verdict.crossover_reason, "", "")
    said = [line for line in explanation(answer) if title_of(other) in line]
    return Tile(f"{title_of(other)} instead?", _instead(answer, other), said[-1] if said else "", "", "")


def _instead(answer: Answer, other: Judged) -> str:
    cross = answer.verdict.crossover_in_flight
    if vetoed(other):
        return "cannot run here"
    if misses(other):
        return "misses a target"
    if cross is None:
        return "possible"
    simple = min(engine_limits(name).simplicity for name in (other.estimate.candidate.engine, answer.verdict.engine))
    is_simple = engine_limits(other.estimate.candidate.engine).simplicity == simple
    if is_simple:
        return f"up to {cross:.0f} at once" if cross > 1 else "gives less at any load"
    return f"from {max(cross, 1):.0f} at once"
