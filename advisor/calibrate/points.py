"""Rows made ready: configuration and load are read once, so that a fit only turns constants into figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from advisor.calibrate.rows import Row, as_planned, in_step, length_share
from advisor.catalog.vendors import vendors
from advisor.engines.llamacpp.speed import BENCH, Server, llama_server
from advisor.engines.llamacpp.speed import step_of as llamacpp_step
from advisor.engines.ollama.speed import server as ollama_server
from advisor.engines.ready import Ready, Unsupported, benchmark_rule
from advisor.engines.vllm.speed import step_of as vllm_step
from advisor.physics.speed.serving import Steady
from advisor.physics.speed.speculation import Speculation
from advisor.physics.speed.step import StepModel
from advisor.predict.config import Words, ready_for
from advisor.predict.rows import CONFIG_COLUMNS, LOAD_COLUMNS, Asked, context_bucket, read_load
from advisor.predict.run import per_replica, rule_for, run
from advisor.predict.speculation import with_speculation
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


class Predicted(NamedTuple):
    """What the model says about a point, over all replicas."""

    rate: float
    ttft_s: float
    tpot_s: float
    gap_s: float
    load: float
    steady: Steady


def points(rows: Iterable[Row], *, as_run: bool = True) -> tuple[list[Point], dict[str, str]]:
    """The rows that can be predicted, and the reasons of the others by id.

    With `as_run`, what is known of the run beside its request (a cached prompt, clients in step) is used: for fitting,
    never for judging.
    """
    found: list[Point] = []
    refused: dict[str, str] = {}
    known: dict[Words, Ready | str] = {}
    for row in rows:
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
        found = [_as_run(point, again) for point in found]
    return found, refused


def to_fit(rows: Sequence[Row]) -> list[Point]:
    """The measurements that the constants are fitted to."""
    return [point for point in points(_told(rows))[0] if inside_memory(point) and _served(point)]


def to_judge(rows: Sequence[Row]) -> list[Point]:
    """The measurements that predictions are judged by, each as its row alone says it."""
    return [point for point in points(_told(rows), as_run=False)[0] if inside_memory(point) and _served(point)]


def _told(rows: Sequence[Row]) -> list[Row]:
    """Those of engines as they are planned, with a figure that is fitted."""
    return [row for row in rows if row.usable and (row.output_tok_s or row.ttft_ms) and as_planned(row)]


def _served(point: Point) -> bool:
    """On cards of makers that an engine has a build for; others ran on forks, of which the constants say nothing."""
    cards = simulate(point.row.request["gpu"], guess=True).accelerators
    return all(vendors()[card.vendor].builds for card in cards)


def inside_memory(point: Point) -> bool:
    """Nothing runs on the CPU, beside a card or alone, and the model fits."""
    known = point.ready.prepared
    return known.offload_bytes == 0 and known.device.family != "cpu" and not point.ready.note


def from_cache(found: Sequence[Point]) -> set[str]:
    """Ids of the measurements whose prompts came from the prefix cache, as the row or another one proves it.

    vLLM keeps what it computed, so where one row of the same prompts shows it, all of them came from there. llama.cpp
    keeps a prompt in its slot, so others of the same prompts may have been computed.
    """
    again = {_prompts(point) for point in found if point.engine == "vllm" and sooner_than_computed(point)}
    return {point.row.id for point in found if sooner_than_computed(point) or _prompts(point) in again}


def _as_run(point: Point, again: set[str]) -> Point:
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


class Model:
    """The speed model with one set of constants; steps are built once per configuration."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values
        self._steps: dict[int, tuple[StepModel, StepModel]] = {}

    def __call__(self, point: Point, drafted: Speculation | None = None) -> Predicted:
        """Predict one point, with that speculation."""
        ready = self._with_constants(point.ready)
        if drafted is not None:
            ready = with_speculation(ready, drafted, self.values)
        asked = per_replica(ready, point.asked)
        steady = run(ready, rule_for(ready, asked), asked)
        rate = steady.output_tokens_per_s * ready.replicas
        load = max(steady.batch + steady.queued, 1.0)
        return Predicted(rate, steady.ttft_s, steady.tpot_s, steady.gap_s, load, steady)

    def _around(self, ready: Ready) -> Server:
        """What the server adds to the kernels; vLLM's is in its own constants."""
        if ready.prepared.fit == "vllm":
            return BENCH
        return ollama_server(self.values) if ready.engine == "ollama" else llama_server(self.values)

    def _with_constants(self, ready: Ready) -> Ready:
        around = self._around(ready)
        if id(ready) not in self._steps:
            if ready.prepared.fit == "vllm":
                step = bench = vllm_step(ready.prepared, self.values)
            else:
                step = llamacpp_step(ready.prepared, self.values, around)
                alone = around if ready.engine == "ollama" else BENCH
                bench = llamacpp_step(ready.prepared, self.values, alone)
            self._steps[id(ready)] = step, bench
        step, bench = self._steps[id(ready)]
        slots, chunk, old = ready.rule.slots, ready.rule.chunk_tokens, ready.prepared.age
        rule = benchmark_rule(self.values, slots, chunk, own_request_s=around.request_s, age=old)
        return ready._replace(step=step, bench=bench, rule=rule)
