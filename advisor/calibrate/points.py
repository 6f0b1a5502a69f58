"""Rows made ready: configuration and load are read once, so that a fit only turns constants into figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from advisor.calibrate.copied import copies
from advisor.calibrate.known import dated, on_processor
from advisor.calibrate.rows import Row, as_planned, in_step, length_share
from advisor.catalog.vendors import vendors
from advisor.engines.ready import Ready, Unsupported
from advisor.predict.config import Words, ready_for
from advisor.predict.rows import CONFIG_COLUMNS, LOAD_COLUMNS, Asked, context_bucket, read_load
from advisor.probe.simulate import simulate

Prompts = tuple[str, str, str, str]
ALIKE = 0.7  # tokens to this power choose their experts independently, at the least that was fitted: a proof is careful


class Point(NamedTuple):
    """A measurement with its configuration and load."""

    row: Row
    ready: Ready
    asked: Asked

    @property
    def engine(self) -> str:
        """Whose constants: "vllm" or "llamacpp"."""
        return self.ready.prepared.fit


def points(rows: Iterable[Row], *, as_run: bool = True) -> tuple[list[Point], dict[str, str]]:
    """The rows that can be predicted, and the reasons of the others by id.

    With `as_run`, what is known of the run beside its request (its month, a cached prompt, clients in step) is used:
    for fitting, never for judging.
    """
    found: list[Point] = []
    refused: dict[str, str] = {}
    known: dict[Words, Ready | str] = {}
    for row in map(dated, rows) if as_run else rows:
        try:
            asked = read_load(tuple(row.request[name] for name in LOAD_COLUMNS))
            named = [row.request[name] for name in CONFIG_COLUMNS]
            words = Words._make((*named, context_bucket(asked), asked.mode == "single_stream"))
            if words not in known:
                known[words] = _ready(words)
            ready = known[words]
        except Unsupported as reason:
            refused[row.id] = str(reason)
            continue
        if isinstance(ready, str):
            refused[row.id] = ready
        else:
            found.append(Point(row, ready, asked))
    if as_run:
        found = [_true_load(point) for point in found]
        again = from_cache(found)
        found = [cached_in(point, again) for point in found]
    return found, refused


def to_fit(rows: Sequence[Row]) -> list[Point]:
    """The measurements that the constants are fitted to."""
    return [point for point in points(_told(rows))[0] if inside_memory(point) and _served(point)]


def to_judge(rows: Sequence[Row]) -> list[Point]:
    """The measurements that predictions are judged by, each as its row alone says it."""
    return [point for point in points(_told(rows), as_run=False)[0] if inside_memory(point) and _served(point)]


def _told(rows: Sequence[Row]) -> list[Row]:
    """Those of engines as they are planned, with a figure that is fitted and nobody's copy."""
    copied = copies(rows)
    told = (row for row in rows if row.usable and (row.output_tok_s or row.ttft_ms) and as_planned(row))
    return [row for row in told if row.id not in copied]


def _served(point: Point) -> bool:
    """On cards of makers that an engine has a build for; others ran on forks, of which the constants say nothing."""
    cards = simulate(point.row.request["gpu"], guess=True).accelerators
    return all(vendors()[card.vendor].builds for card in cards)


def inside_memory(point: Point) -> bool:
    """Nothing runs on the CPU, beside a card or alone, and the model fits."""
    known = point.ready.prepared
    on_card = known.device.family != "cpu" and not on_processor(point.row)
    return on_card and known.offload_bytes == 0 and not point.ready.note


def from_cache(found: Sequence[Point]) -> set[str]:
    """Ids of the measurements whose prompts came from the prefix cache, as the row or another one proves it.

    vLLM keeps what it computed, so where one row of the same prompts shows it, all of them came from there. llama.cpp
    keeps a prompt in its slot, so others of the same prompts may have been computed.
    """
    again = {_prompts(point) for point in found if point.engine == "vllm" and sooner_than_computed(point)}
    return {point.row.id for point in found if sooner_than_computed(point) or _prompts(point) in again}


def cached_in(point: Point, again: set[str]) -> Point:
    """With its whole prompt in the prefix cache where it is one of these."""
    if point.row.id in again:
        return point._replace(asked=point.asked._replace(cached_tokens=point.asked.input_tokens))
    return point


def _true_load(point: Point) -> Point:
    share, asked = length_share(point.row), point.asked
    asked = asked._replace(input_tokens=share * asked.input_tokens, output_tokens=share * asked.output_tokens)
    # A run with one prompt a client is one wave.
    return point._replace(asked=asked._replace(prompts=asked.concurrency) if in_step(point.row) else asked)


def sooner_than_computed(point: Point) -> bool:
    """The first token came sooner than the card can compute the new part of the prompt: that lay in the cache, too."""
    return point.row.request["mode"] == "serving" and beyond_peak(point, new_tokens(point))


def new_tokens(point: Point) -> float:
    """Of its prompt, as far as the row says."""
    return point.asked.input_tokens - point.asked.cached_tokens


def beyond_peak(point: Point, tokens: float) -> bool:
    """The first token came sooner than the card multiplies so many tokens, or reads the experts that they wake."""
    known, took_ms = point.ready.prepared, point.row.ttft_ms
    if took_ms is None:
        return False
    facts, ranks = known.facts, known.tensor
    multiplied_s = tokens * facts.flops_per_token / known.peak / ranks
    awake = 1.0 - math.pow(1.0 - facts.expert_share, math.pow(max(tokens, 1.0), ALIKE))
    read_s = (facts.dense_bytes + facts.expert_bytes * awake) / known.device.bandwidth / ranks
    return took_ms < 1e3 * max(multiplied_s, read_s)


def _prompts(point: Point) -> Prompts:
    """What the prompts of a run are known by: source, engine, model and length."""
    request = point.row.request
    return point.row.group, request["engine"], request["model"], request["input_tokens"]


def _ready(words: Words) -> Ready | str:
    try:
        return ready_for(words)
    except Unsupported as reason:
        return str(reason)
