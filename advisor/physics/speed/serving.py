"""From one step to a service: what a load makes of the engine, in closed form.

An engine with continuous batching shares its time between decode steps and prompts. Each request costs
`output x decode_s(B) / B + prefill_s` seconds of it, where B is the mean number of requests that decode together; and
the M requests that are admitted are either decoding or waiting for their first token:

    M = B + rate x wait        (Little's law; solved for B by a few secant steps)

Requests beyond the slots or the KV cache wait outside. Clients that march in step see other waits: `lockstep.py`.
Answers of unequal length give a run a thin end: `lengths.py`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from advisor.physics.speed.inside import EQUAL, Discipline, Point, Work, at_rate, inside, slot_wait, work_of
from advisor.physics.speed.lengths import MEAN_BATCH, drain_s
from advisor.physics.speed.lockstep import NO_WAVE, Wave, chunked, decodes_s, p95, wave
from advisor.physics.speed.step import StepModel
from advisor.schema import Bound

_P95_SIGMAS = 1.645
CROWD = 1e5  # more requests than any engine runs at once
OVERRUN_S = 600.0  # an endless overload is reported as a run of ten minutes
_P95_EXPONENTIAL = 3.0  # 95th percentile over mean of an exponential wait: ln 20


class Steady(NamedTuple):
    """What a load makes of one replica."""

    requests_per_s: float
    output_tokens_per_s: float
    batch: float  # requests that decode together
    ttft_s: float
    ttft_p95_s: float
    tpot_s: float
    tpot_p95_s: float
    queued: float
    bound: Bound
    gap_s: float  # median time between two tokens (ITL): TPOT without the few steps that carry prompts


def closed_loop(
    step: StepModel, rule: Discipline, in_flight: float, input_tokens: float, output_tokens: float,
    cached_tokens: float = 0.0, prompts: float = math.inf, longest: float = EQUAL,
) -> Steady:  # fmt: skip
    """A fixed number of requests in flight: each answer is followed by the next question at once.

    Args:
        step: the engine step.
        rule: slots, KV and latency of the engine.
        in_flight: requests in flight, waiting ones included; fractions below 1 mean an engine that idles.
        input_tokens: mean prompt length.
        output_tokens: mean answer length.
        cached_tokens: part of the prompt that the prefix cache holds.
        prompts: all requests of the run; the last of unequal answers thin it out.
        longest: answer of the run, in means; beyond 1 they are of unequal length.
    """
    work, rule = work_of(input_tokens, output_tokens, cached_tokens, longest), rule.for_prompt(input_tokens)
    steady = _endless(step, rule, in_flight, work)
    if not work.varied or math.isinf(prompts):
        return steady
    last = max(min(steady.batch, prompts), 1.0)
    thin_s = max(drain_s(step, last, work) - last / steady.requests_per_s, 0.0)
    rate = prompts / (prompts / steady.requests_per_s + thin_s)
    return steady._replace(requests_per_s=rate, output_tokens_per_s=rate * work.output)


def _endless(step: StepModel, rule: Discipline, in_flight: float, work: Work) -> Steady:
    """A closed loop that never ends."""
    limit = max(1.0, min(rule.slots, rule.sequences))
    if in_flight <= limit:
        point = inside(step, rule, max(in_flight, 1.0), work)
        crowd = wave(step, rule, in_flight, work, point) if rule.meeting and in_flight > 1.0 else NO_WAVE
        return _steady(step, rule, point, work, point.rate * min(in_flight, 1.0), 0.0, 0.0, 0.0, crowd)
    # More than the limit: the server's own latency of some hides behind the work of others.
    point = inside(step, rule._replace(request_s=0.0), limit, work)
    rate = min(point.rate, in_flight / (limit / point.rate + rule.request_s))
    outside = max(in_flight / rate - limit / point.rate - rule.request_s, 0.0)
    waiting = rate * outside
    point = point._replace(wait_s=point.wait_s + rule.request_s)
    crowd = wave(step, rule, limit, work, point) if rule.meeting else NO_WAVE
    return _steady(step, rule, point, work, rate, waiting, outside, outside * _gamma_p95(waiting), crowd)


def open_loop(
    step: StepModel, rule: Discipline, requests_per_s: float, input_tokens: float, output_tokens: float,
    cached_tokens: float = 0.0, prompts: float = math.inf, longest: float = EQUAL,
) -> Steady:  # fmt: skip
    """Requests that arrive at random (Poisson) at a mean rate, `prompts` of them.

    Beyond capacity the queue grows until the last prompt has arrived; endless prompts count as a run of ten minutes.
    """
    work, rule = work_of(input_tokens, output_tokens, cached_tokens, longest), rule.for_prompt(input_tokens)
    limit = max(1.0, min(rule.slots, rule.sequences))
    most = min(limit, max(prompts, 1.0), CROWD)
    full = inside(step, rule, most, work)
    if requests_per_s >= full.rate:
        return _overrun(step, rule, requests_per_s, work, prompts, full)
    point = at_rate(step, rule, requests_per_s, most, work)
    crowd = requests_per_s * (point.wait_s + work.output * point.tpot_s)
    busy = min(crowd / limit, 0.999)
    outside = slot_wait(busy, limit, point) if busy > 0.5 else 0.0
    rate = requests_per_s
    if not math.isinf(prompts):
        last_s = work.output * point.tpot_s
        if work.varied:
            last_s = max(last_s, drain_s(step, max(point.batch, 1.0), work))
        rate = prompts / (prompts / requests_per_s + point.wait_s + outside + last_s)
    steady = _steady(step, rule, point, work, rate, requests_per_s * outside, outside, _P95_EXPONENTIAL * outside)
    return steady._replace(bound="load")


def _overrun(
    step: StepModel, rule: Discipline, requests_per_s: float, work: Work, prompts: float, full: Point
) -> Steady:
    """Arrivals above capacity: the queue grows until the last prompt has come, then everything drains."""
    count = prompts if not math.isinf(prompts) else max(OVERRUN_S * requests_per_s, 100.0)
    burst = _at_once(step, rule, count, work)
    arriving = count / requests_per_s
    alone = rule.request_s + step.first_token_s(work.prompt, work.cached)
    span = max(1.0 / burst.requests_per_s * count, arriving + work.output * full.tpot_s)
    late = max(burst.ttft_s - arriving / 2, alone)
    rate = full.rate if math.isinf(prompts) else count / span
    return burst._replace(
        requests_per_s=rate, output_tokens_per_s=rate * work.output, ttft_s=late,
        ttft_p95_s=max(late, burst.ttft_p95_s - 0.95 * arriving),
    )  # fmt: skip


def all_at_once(
    step: StepModel, rule: Discipline, prompts: float, input_tokens: float, output_tokens: float,
    cached_tokens: float = 0.0, longest: float = EQUAL,
) -> Steady:  # fmt: skip
    """Every prompt handed over at the start; the rate is over the whole run, its thin end included.

    Answers of unequal length (`lengths.py`) leave it one by one; equal ones end together.
    """
    work = work_of(input_tokens, output_tokens, cached_tokens, longest)
    return _at_once(step, rule.for_prompt(input_tokens), prompts, work)


def all_prompts_s(
    step: StepModel, rule: Discipline, prompts: float, input_tokens: float, cached_tokens: float = 0.0
) -> float:
    """Seconds until the last of `prompts` has been computed, nothing being decoded meanwhile."""
    work = work_of(input_tokens, 1.0, cached_tokens)
    more_s = (prompts - 1.0) * (step.prefill_s(work.prompt, work.cached) + rule.serial_s)
    return rule.request_s + step.first_token_s(work.prompt, work.cached) + more_s


def _at_once(step: StepModel, rule: Discipline, prompts: float, work: Work) -> Steady:
    """A wave as large as slots and KV allow, then the rest as places become free."""
    prompts = max(1.0, prompts)
    limit = max(1.0, min(rule.slots, rule.sequences))
    wave = min(prompts, limit)
    rest = prompts - wave
    decode_s = step.decode_s(wave, work.context)
    prefill_s = step.prefill_s(work.prompt, work.cached) + rule.serial_s
    first_s = rule.request_s + step.first_token_s(work.prompt, work.cached)
    prompts_s = first_s + (wave - 1.0) * prefill_s
    if work.varied:
        writing_s = drain_s(step, wave, work)
        seen_s = step.decode_s(max(MEAN_BATCH * wave, 1.0), work.context)
    else:
        writing_s, seen_s = (work.output - 1.0) * decode_s, decode_s
    beside_s = decodes_s(step, rule, wave, work)
    ttft = first_s + (wave - 1.0) * prefill_s / 2 + beside_s
    stretch = (wave - 1.0) * prefill_s / 2 / max(work.output - 1.0, 1.0)
    tpot = seen_s + chunked(stretch, prefill_s, rule.chunk_tokens, work.prompt)
    span = prompts_s + writing_s
    bound = _bound(step, wave, decode_s, prefill_s, work)
    if rest > 0:
        point = inside(step, rule, wave, work)
        span += rest / point.rate
        # Equal answers make room all at once, unequal ones from the start.
        room_s = prompts_s + 2.0 * beside_s if work.varied else prompts_s + writing_s
        ttft = (wave * ttft + rest * (room_s + rest / point.rate / 2 + point.wait_s)) / prompts
        tpot = (wave * tpot + rest * point.tpot_s) / prompts
        bound = "kv" if rule.sequences < rule.slots else "slots"
    last = prompts_s + 2.0 * beside_s if rest <= 0 else span - writing_s / 2
    rate = prompts / span
    p95 = max(ttft, 0.95 * last)
    gap = _gap(rule, wave, work, seen_s, tpot)
    return Steady(rate, rate * work.output, wave, ttft, p95, tpot, 1.1 * tpot, rest, bound, gap)


def single_stream(
    step: StepModel, rule: Discipline, input_tokens: float, output_tokens: float, cached_tokens: float = 0.0
) -> Steady:
    """One request at a time on an idle engine; the rate is that of decoding alone, as benchmarks print it."""
    work, rule = work_of(input_tokens, output_tokens, cached_tokens), rule.for_prompt(input_tokens)
    decode_s = step.decode_s(1.0, work.context)
    first_s = rule.request_s + step.first_token_s(work.prompt, work.cached)
    rate = 1.0 / (first_s + (work.output - 1.0) * decode_s)
    bound = _bound(step, 1.0, decode_s, 0.0, work)
    return Steady(rate, 1.0 / decode_s, 1.0, first_s, first_s, decode_s, decode_s, 0.0, bound, decode_s)


def _steady(
    step: StepModel, rule: Discipline, point: Point, work: Work, rate: float, waiting: float,
    outside_s: float, outside_p95_s: float, crowd: Wave = NO_WAVE,
) -> Steady:  # fmt: skip
    """Add what happens outside the engine, the waves of clients in step, and the 95th percentiles."""
    ttft, tpot = outside_s + point.wait_s, point.tpot_s
    ttft_p95 = outside_p95_s + point.wait_s + (_P95_EXPONENTIAL - 1.0) * point.queue_s
    bound = _bound(step, point.batch, point.decode_s, point.prefill_s, work)
    if waiting >= 0.5:
        bound = "kv" if rule.sequences < rule.slots else "slots"
    interruptions = max(point.batch, 1.0)  # prompts that arrive while one answer is written
    stretched = point.tpot_s - point.decode_s
    tpot_p95 = point.tpot_s + stretched * _P95_SIGMAS / math.sqrt(interruptions)
    if crowd is not NO_WAVE:
        ttft_p95 = p95(rule.meeting, outside_s + crowd.wait_p95_s, outside_s + crowd.wait_s, ttft_p95)
        tpot_p95 = p95(rule.together, crowd.tpot_p95_s, crowd.tpot_s, tpot_p95)
        # The mean request, where a share of them comes in waves; the rate is that of the mix of prompts and decodes.
        ttft += rule.meeting * (crowd.wait_s - point.wait_s)
        tpot += rule.together * (crowd.tpot_s - tpot)
    return Steady(
        rate, rate * work.output, point.batch, ttft, max(ttft_p95, ttft), tpot, max(tpot_p95, tpot), waiting, bound,
        _gap(rule, point.batch, work, point.decode_s, tpot),
    )  # fmt: skip


def _gap(rule: Discipline, batch: float, work: Work, decode_s: float, tpot: float) -> float:
    """The median gap is that of a step without prompts where fewer than half of the steps carry one."""
    carried = batch / work.output * max(1.0, work.prompt / rule.chunk_tokens)
    return decode_s if carried < 0.5 else tpot


def _gamma_p95(waiting: float) -> float:
    """95th percentile over mean of the time until `waiting` others have left, one after the other."""
    return 1.0 + _P95_SIGMAS / math.sqrt(waiting) if waiting >= 1.0 else _P95_EXPONENTIAL


def _bound(step: StepModel, batch: float, decode_s: float, prefill_s: float, work: Work) -> Bound:
    """What most of the engine's time goes into."""
    batch = max(batch, 1.0)
    if prefill_s * batch / work.output > decode_s:
        return "compute"
    if step.overhead_s + batch * step.sequence_s > decode_s / 2:
        return "overhead"
    multiply = batch * step.token_s
    return "compute" if multiply > step.products_s(batch) * 0.8 else "bandwidth"
