"""The inside of an engine with continuous batching: how many requests decode together, and how long they wait.

Each request costs `output x decode_s(B) / B + prefill_s` seconds of engine time, where B is the mean number of requests
that decode together; and the M requests that are admitted are either decoding or waiting for their first token:

    M = B + rate x wait        (Little's law; solved for B by a few secant steps)
"""

from __future__ import annotations

import math
from typing import NamedTuple

from advisor.physics.speed.step import StepModel

TOLERANCE = 1e-4
EQUAL = 1.0  # the longest answer over the mean where all are of one length
MOST_STEPS = 30


class Discipline(NamedTuple):
    """How an engine admits and mixes requests."""

    slots: float  # requests that may run at once
    sequences: float  # requests whose KV cache fits at once, at the mean length they have while running
    request_s: float  # latency of the server around the engine, per request, before the first token
    serial_s: float  # engine time that each request costs beside its tokens
    burst: float  # how much prompts bunch: 1 is a Poisson stream, 0 is evenly spaced
    chunk_tokens: float  # tokens of one step, prompts and decodes together
    token_s: float = 0.0  # more of that latency for each token of the prompt, cached or not: splitting, hashing
    together: float = 0.0  # share of requests whose prompts come with all the others' (benchmarks; see lockstep.py)
    in_step: float = 0.0  # the same for what a first token waits, where requests are alike and of unknown number
    split_s: float = 0.0  # of `request_s`: what one process does for one prompt after the other

    def for_prompt(self, tokens: float) -> Discipline:
        """With the whole latency of a request of this length."""
        if not self.token_s:
            return self
        split_s = self.token_s * tokens
        return self._replace(request_s=self.request_s + split_s, token_s=0.0, split_s=split_s)

    @property
    def meeting(self) -> float:
        """The share of requests whose first token waits for a whole wave of prompts."""
        return max(self.together, self.in_step)


class Work(NamedTuple):
    """One request, in tokens."""

    prompt: float  # tokens to prefill
    cached: float  # prompt tokens found in the prefix cache
    output: float
    context: float  # mean context while decoding
    longest: float = EQUAL  # answer of a run, in means: beyond 1 they are of unequal length, see lengths.py

    @property
    def varied(self) -> bool:
        """Answers of unequal length."""
        return self.longest > EQUAL


class Point(NamedTuple):
    """The inside of the engine with `admitted` requests."""

    rate: float
    batch: float
    wait_s: float  # from admission to the first token
    queue_s: float  # the part of it that depends on others
    tpot_s: float
    decode_s: float
    prefill_s: float
    alone_s: float  # prefill of one prompt on an idle engine
    full_s: float  # a decode step of all admitted


def work_of(input_tokens: float, output_tokens: float, cached_tokens: float = 0.0, longest: float = EQUAL) -> Work:
    """The work of one request; at least one prompt token is always computed."""
    cached = min(cached_tokens, max(input_tokens - 1.0, 0.0))
    output = max(output_tokens, 1.0)
    return Work(max(input_tokens - cached, 1.0), cached, output, input_tokens + output / 2, longest)


def inside(step: StepModel, rule: Discipline, admitted: float, work: Work) -> Point:
    """Solve M = B + rate x wait for the batch B of `admitted` requests."""
    others = (admitted - 1.0) / admitted  # a request does not wait for itself
    prefill_s = step.prefill_s(work.prompt, work.cached) + rule.serial_s
    outside_s = rule.request_s + rule.serial_s
    idle_s = step.first_token_s(work.prompt, work.cached)
    spread = rule.burst * prefill_s * prefill_s * others / work.output
    own_s = step.own_s(work.context)
    stretch = prefill_s * others / work.output
    writing = work.output - 1.0
    decode_with = step.decode_with

    def look(batch: float) -> tuple[float, float, float, float, float]:
        decode_s = decode_with(batch if batch > 1.0 else 1.0, own_s)
        tpot = decode_s + stretch * batch
        # The prompt shares its step with the others' decodes.
        longer = decode_s + prefill_s - idle_s
        own = idle_s + others * longer if longer > 0.0 else idle_s
        queue = spread * batch / decode_s
        decoding = writing * tpot
        wait = outside_s + own + queue
        return admitted * decoding / (wait + decoding), decode_s, tpot, queue, wait

    batch = admitted
    seen, decode_s, tpot, queue, wait = look(batch)
    full_s = decode_s
    for _ in range(MOST_STEPS):
        if abs(seen - batch) <= TOLERANCE * admitted:
            break
        # The map is increasing and flatter than the diagonal: one secant through two of its points.
        again, *_ = look(seen)
        slope = (seen - again) / (batch - seen) if batch != seen else 0.0
        batch = seen + (again - seen) / (1.0 - slope) if slope < 0.95 else again
        batch = min(max(batch, 0.0), admitted)
        seen, decode_s, tpot, queue, wait = look(batch)
    rate = admitted / (wait + writing * tpot)
    point = Point(rate, batch, wait, queue, tpot, decode_s, prefill_s, idle_s, full_s)
    return _capped(step, rule, admitted, work, point)


def _capped(step: StepModel, rule: Discipline, admitted: float, work: Work, point: Point) -> Point:
    """Never more than the engine's time allows, nor more decodes than a full step leaves beside its prompts."""
    most = min(admitted, max(1.0, rule.chunk_tokens * work.output / (work.prompt + work.output)))
    decode_s = point.full_s if most == admitted else step.decode_s(most, work.context)
    capacity = 1.0 / ((work.output - 1.0) * decode_s / most + point.prefill_s)
    if point.rate <= capacity:
        return point
    batch = min(point.batch, most)
    decode_s = step.decode_s(max(batch, 1.0), work.context)
    tpot = decode_s + point.prefill_s * batch * (admitted - 1.0) / admitted / work.output
    wait = max(admitted / capacity - (work.output - 1.0) * tpot, point.wait_s)
    return point._replace(rate=capacity, batch=batch, wait_s=wait, tpot_s=tpot, decode_s=decode_s)


def at_rate(step: StepModel, rule: Discipline, rate: float, most: float, work: Work) -> Point:
    """The batch that arrivals at `rate` keep up: B = rate x output x TPOT(B)."""
    prefill_s = step.prefill_s(work.prompt, work.cached) + rule.serial_s
    load = min(rate * prefill_s, 0.999)
    batch = 1.0
    for _ in range(MOST_STEPS):
        decode_s = step.decode_s(max(batch, 1.0), work.context)
        new = min(rate * work.output * decode_s / (1.0 - load), most)
        if abs(new - batch) <= TOLERANCE * max(batch, 1.0):
            break
        batch = new
    tpot = decode_s / (1.0 - load)
    queue = 0.5 * decode_s * min(batch, 1.0) + 0.5 * load / (1.0 - load) * prefill_s
    idle_s = step.first_token_s(work.prompt, work.cached)
    alone = rule.request_s + idle_s + rule.serial_s
    return Point(rate, batch, alone + queue, queue, tpot, decode_s, prefill_s, idle_s, decode_s)


def slot_wait(busy: float, slots: float, point: Point) -> float:
    """Mean wait for one of `slots` slots that are `busy` (Sakasegawa's approximation of M/M/c)."""
    service = slots / point.rate * busy
    return float(service * busy ** (math.sqrt(2.0 * (slots + 1.0)) - 1.0) / (slots * (1.0 - busy)))
