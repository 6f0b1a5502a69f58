"""Predictions for many given configurations: one row in, one row out, and no row stops the others.

Columns that are read: `rows.COLUMNS`; columns of the answer: `OUTPUT_COLUMNS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from advisor.edge.reading import OddRow
from advisor.engines.ready import Ready, Unsupported
from advisor.physics.speed.figures import spread_of
from advisor.predict.config import Words, ready_for
from advisor.predict.rows import Asked, Cells, context_bucket, picker, read_load
from advisor.predict.run import per_replica, rule_for, run

OUTPUT_COLUMNS = (
    "id", "supported", "reason", "output_tok_s", "output_tok_s_low", "output_tok_s_high", "ttft_ms", "tpot_ms",
    "kv_tokens", "basis", "ttft_ms_low", "ttft_ms_high", "ttft_ms_p95", "tpot_ms_low", "tpot_ms_high",
)  # fmt: skip
OUT_OF_RANGE = "the load or the limits are beyond what can be computed"
REMEMBERED = 100_000  # answers kept for rows that ask the same again


class Prediction(NamedTuple):
    """One answer; numbers are None where the row is not supported, rates also where it asks for no answer."""

    id: str
    supported: bool
    reason: str
    output_tok_s: float | None = None
    output_tok_s_low: float | None = None
    output_tok_s_high: float | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    kv_tokens: int | None = None
    basis: str = ""
    ttft_ms_low: float | None = None
    ttft_ms_high: float | None = None
    ttft_ms_p95: float | None = None
    tpot_ms_low: float | None = None
    tpot_ms_high: float | None = None


def predict(header: Sequence[str], rows: Iterable[Sequence[str] | OddRow]) -> Iterator[Prediction]:
    """Answer every row, in order.

    Args:
        header: names of the columns; unknown ones are ignored, missing ones count as empty.
        rows: the cells, as text; or that a row could not be taken apart.

    Raises:
        BadInput: a column that no prediction can do without is missing.
    """
    pick = picker(header)
    configured: dict[tuple[Cells, int, bool], Ready | str] = {}
    answered: dict[tuple[int, Cells], tuple[object, ...]] = {}
    for row in rows:
        if isinstance(row, OddRow):
            yield Prediction("", False, row.reason)
            continue
        name, config, load = pick(row)
        try:
            asked = read_load(load)
        except Unsupported as reason:
            yield Prediction(name, False, str(reason))
            continue
        key = (config, context_bucket(asked), asked.mode == "single_stream")
        found = configured.get(key)
        if found is None:
            found = configured[key] = _ready(Words._make((*config, *key[1:])))
        if isinstance(found, str):
            yield Prediction(name, False, found)
            continue
        again = (id(found), load)
        answer = answered.get(again)
        if answer is None:
            if len(answered) >= REMEMBERED:
                answered.clear()
            answer = answered[again] = _answered(found, asked)
        yield Prediction(name, *answer)  # type: ignore[arg-type] # the fields of a Prediction behind its id


def _ready(words: Words) -> Ready | str:
    try:
        return ready_for(words)
    except Unsupported as reason:
        return str(reason)


def _answered(ready: Ready, asked: Asked) -> tuple[object, ...]:
    try:
        return _answer(ready, asked)
    except ArithmeticError:  # figures so far from any machine's that they leave the range of numbers
        return (False, OUT_OF_RANGE)


def _answer(ready: Ready, asked: Asked) -> tuple[object, ...]:
    """The fields of a Prediction behind its id, of a supported row."""
    share = per_replica(ready, asked)
    steady = run(ready, rule_for(ready, share), share)
    rate = steady.output_tokens_per_s * ready.replicas
    spread = spread_of(ready.prepared, steady.batch + steady.queued)
    ttft_ms, tpot_ms, late_ms = steady.ttft_s * 1e3, steady.tpot_s * 1e3, steady.ttft_p95_s * 1e3
    if not math.isfinite(rate * spread.rate + ttft_ms * spread.ttft + tpot_ms * spread.tpot + late_ms):
        return (False, OUT_OF_RANGE)
    first = (ttft_ms / spread.ttft, ttft_ms * spread.ttft, late_ms)
    if not asked.output_tokens:
        return (True, ready.note, None, None, None, ttft_ms, None, ready.kv_tokens, spread.basis, *first)
    return (
        True, ready.note, rate, rate / spread.rate, rate * spread.rate, ttft_ms, tpot_ms, ready.kv_tokens, spread.basis,
        *first, tpot_ms / spread.tpot, tpot_ms * spread.tpot,
    )  # fmt: skip
