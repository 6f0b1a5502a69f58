"""`physics/speed/serving.py` for many points at once: rate, TPOT and TTFT of each kind of run. See `vector_step.py`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from advisor.calibrate.columns import Columns, Table, Vector
from advisor.calibrate.vector_step import Values, decode_s, first_token_s, prefill_s, steps
from advisor.physics.speed.inside import EQUAL, MOST_STEPS, TOLERANCE
from advisor.physics.speed.lengths import EULER, MEAN_BATCH, NODES, WEIGHTS
from advisor.physics.speed.serving import CROWD, OVERRUN_S


class Figures(NamedTuple):
    """Predictions of all points; seconds and tokens/s."""

    rate: Vector
    tpot: Vector
    ttft: Vector
    gap: Vector


def figures(table: Table, values: Values) -> Figures:
    """Predict every point with these constants."""
    step = steps(table.engine, values, table.setups).at(table.setup)
    request_s = step.slower * values["request_s"]
    if table.engine != "vllm":
        request_s = request_s + np.where(step.ollama, values["ollama_request_s"], 0.0)
    split_s = step.slower * values["request_token_s"] * table.loads.entered
    loads = table.loads.but(request_s=request_s + split_s, split_s=split_s)
    found = [np.empty(len(table.setup)) for _ in Figures._fields]
    kinds = {"single": _single, "offline": _offline, "open": _open, "at once": _whole_burst, "closed": _closed}
    for mode in np.unique(table.modes):
        here = table.modes == mode
        served = _around(table.engine, str(mode), step.at(here), values)
        part = kinds[str(mode)](table.engine, served, loads.at(here), values)
        for whole, column in zip(found, part, strict=True):
            whole[here] = column
    return Figures(found[0] * table.replicas, *found[1:])


def _around(engine: str, mode: str, step: Columns, values: Values) -> Columns:
    """The step of the server: llama.cpp's benchmarks sample nothing."""
    if engine == "vllm":
        return step
    own_s = 0.0 if mode in ("single", "offline") else values["logit_s"]
    logit_s = np.where(step.ollama, values["ollama_logit_s"], own_s)
    return step.but(sequence_s=step.sequence_s + logit_s * step.vocabulary)


def _single(engine: str, step: Columns, load: Columns, values: Values) -> Figures:  # noqa: ARG001 - like the others
    """`serving.single_stream`, with the rate as `predict` gives it."""
    one = np.ones(len(load.answer))
    decode = decode_s(step, one, load.context)
    first = load.request_s + first_token_s(step, load.prompt, load.cached)
    whole = load.answer / (first + (load.output - 1.0) * decode)
    return Figures(whole if engine == "vllm" else 1.0 / decode, decode, first, decode)


def _offline(engine: str, step: Columns, load: Columns, values: Values) -> Figures:
    """`predict.run`: all prompts handed over; llama.cpp's batched bench prints the decode phase alone."""
    load = load.but(request_s=np.zeros(len(load.answer)))
    saturated = np.minimum(np.maximum(np.minimum(load.slots, load.sequences), 1.0), CROWD)
    open_end = np.isnan(load.prompts) & np.isnan(load.flight)
    stated = np.where(np.isnan(load.prompts), saturated, load.prompts)
    batch = np.where(np.isnan(load.flight), stated, load.flight)
    if engine == "vllm" and open_end.any():
        endless = _closed(engine, step, load.but(flight=batch, prompts=np.full(len(batch), math.inf)), values)
        ended = _offline(engine, step, load.but(flight=batch), values)
        return Figures(*(np.where(open_end, one, other) for one, other in zip(endless, ended, strict=True)))
    if engine == "vllm":
        both = ~np.isnan(load.flight) & ~np.isnan(load.prompts)
        load = load.but(slots=np.where(both, np.minimum(load.slots, load.flight), load.slots))
        return _burst(step, load, values, np.where(np.isnan(load.prompts), batch, load.prompts))
    found = _burst(step, load.but(slots=batch, sequences=batch), values, batch)
    decode = decode_s(step, batch, load.entered + load.answer / 2)
    more = (batch - 1.0) * (prefill_s(step, load.prompt, load.cached) + values["serial_s"])
    return Figures(batch / decode, decode, first_token_s(step, load.prompt, load.cached) + more, found.gap)


def _whole_burst(engine: str, step: Columns, load: Columns, values: Values) -> Figures:  # noqa: ARG001
    return _burst(step, load, values, load.prompts)


class _Inside(NamedTuple):
    rate: Vector
    batch: Vector
    wait_s: Vector
    tpot_s: Vector
    decode_s: Vector
    prefill_s: Vector


def _inside(step: Columns, load: Columns, values: Values, admitted: Vector) -> _Inside:
    """`speed_inside.inside`."""
    others = (admitted - 1.0) / admitted
    serial = values["serial_s"]
    prefill = prefill_s(step, load.prompt, load.cached) + serial
    outside, idle = load.request_s + serial, first_token_s(step, load.prompt, load.cached)
    spread = values["burst"] * prefill * prefill * others / load.output

    def look(batch: Vector) -> tuple[Vector, Vector, Vector]:
        decode = decode_s(step, np.maximum(batch, 1.0), load.context)
        tpot = decode + prefill * batch * others / load.output
        own = idle + others * np.maximum(decode + prefill - idle, 0.0)
        decoding = (load.output - 1.0) * tpot
        wait = outside + own + spread * batch / decode
        return admitted * decoding / (wait + decoding), tpot, wait

    batch = admitted
    seen, tpot, wait = look(batch)
    for _ in range(MOST_STEPS):
        open_still = np.abs(seen - batch) > TOLERANCE * admitted
        if not open_still.any():
            break
        again = look(seen)[0]
        apart = np.where(batch != seen, batch - seen, 1.0)
        slope = np.where(batch != seen, (seen - again) / apart, 0.0)
        steep = slope >= 0.95
        moved = np.where(steep, again, seen + (again - seen) / (1.0 - np.where(steep, 0.0, slope)))
        batch = np.where(open_still, np.clip(moved, 0.0, admitted), batch)
        looked = look(batch)
        seen, tpot, wait = (np.where(open_still, new, old) for new, old in zip(looked, (seen, tpot, wait), strict=True))
    rate = admitted / (wait + (load.output - 1.0) * tpot)
    most = np.minimum(admitted, np.maximum(1.0, load.chunk * load.output / (load.prompt + load.output)))
    capacity = 1.0 / ((load.output - 1.0) * decode_s(step, most, load.context) / most + prefill)
    over = rate > capacity
    batch = np.where(over, np.minimum(batch, most), batch)
    decode = decode_s(step, np.maximum(batch, 1.0), load.context)
    full = decode + prefill * batch * others / load.output
    late = np.maximum(admitted / capacity - (load.output - 1.0) * full, wait)
    rate, wait, tpot = np.where(over, capacity, rate), np.where(over, late, wait), np.where(over, full, tpot)
    return _Inside(rate, batch, wait, tpot, decode, prefill)


class _Wave(NamedTuple):
    wait_s: Vector
    tpot_s: Vector


def _wave(step: Columns, load: Columns, values: Values, admitted: Vector) -> _Wave:
    """`lockstep.wave`; without `in_step` as the rates are fitted, where prompts wait for the engine alone."""
    prefill = prefill_s(step, load.prompt, load.cached) + values["serial_s"]
    alone = load.request_s + values["serial_s"] + first_token_s(step, load.prompt, load.cached)
    together = np.minimum(np.maximum(load.chunk / load.prompt, 1.0), admitted)
    behind = (admitted - together) / 2
    decode = decode_s(step, admitted, load.context)
    stretch = np.minimum(prefill * behind / np.maximum(load.output - 1.0, 1.0), prefill * load.chunk / load.prompt)
    split = load.split_s * (admitted - 1.0) if "in_step" in values else 0.0
    queue = prefill * (admitted - 1.0 - behind) + _decodes_s(step, load, admitted)
    return _Wave(alone + np.maximum(queue, split), decode + stretch)


def _decodes_s(step: Columns, load: Columns, admitted: Vector) -> Vector:
    """`lockstep.decodes_s`."""
    many = np.maximum(admitted * load.prompt / load.chunk - 1.0, 0.0)
    return many / 2 * decode_s(step, np.maximum(admitted / 3, 1.0), load.context)


def _drain_s(step: Columns, load: Columns, batch: Vector) -> Vector:
    """`lengths.drain_s`."""
    last = np.minimum(np.log(batch) + EULER + (1.0 - EULER) / batch, load.longest)
    mean = sum(
        weight * decode_s(step, np.maximum(batch * np.exp(-last * node), 1.0), load.context)
        for node, weight in zip(NODES, WEIGHTS, strict=True)
    )
    return load.output * last * mean


def _closed(engine: str, step: Columns, load: Columns, values: Values) -> Figures:  # noqa: ARG001
    """`serving.closed_loop`."""
    flight = np.where(np.isnan(load.flight), 1.0, load.flight)
    limit = np.maximum(1.0, np.minimum(load.slots, load.sequences))
    queued = flight > limit
    admitted = np.where(queued, limit, np.maximum(flight, 1.0))
    point = _inside(step, load.but(request_s=np.where(queued, 0.0, load.request_s)), values, admitted)
    full = np.minimum(point.rate, flight / (limit / point.rate + load.request_s))
    outside = np.where(queued, np.maximum(flight / full - limit / point.rate - load.request_s, 0.0), 0.0)
    rate = np.where(queued, full, point.rate * np.minimum(flight, 1.0))
    wait = point.wait_s + np.where(queued, load.request_s, 0.0)
    stated = ~np.isnan(load.prompts)
    finite = np.isfinite(load.prompts)
    prompts = np.where(stated, load.prompts, flight)
    share = np.where(stated, np.minimum(flight / prompts, 1.0), values["together"])
    wave = _wave(step, load, values, admitted)
    share = np.where(admitted > 1.0, share, 0.0)
    alike = (load.longest == EQUAL) & (admitted > 1.0) & ~stated
    meeting = np.where(alike, np.maximum(share, values.get("in_step", 0.0)), share)
    last = np.maximum(np.minimum(point.batch, prompts), 1.0)
    thin = np.maximum(_drain_s(step, load, last) - last / rate, 0.0)
    rate = np.where((load.longest > EQUAL) & finite, prompts / (prompts / rate + thin), rate)
    tpot = (1.0 - share) * point.tpot_s + share * wave.tpot_s
    return Figures(
        rate * load.output,
        tpot,
        outside + (1.0 - meeting) * wait + meeting * wave.wait_s,
        _gap(load, point.batch, point.decode_s, tpot),
    )


def _gap(load: Columns, batch: Vector, decode: Vector, tpot: Vector) -> Vector:
    """`serving._gap`."""
    carried = batch / load.output * np.maximum(1.0, load.prompt / load.chunk)
    return np.where(carried < 0.5, decode, tpot)


def _burst(step: Columns, load: Columns, values: Values, prompts: Vector) -> Figures:
    """`serving.all_at_once`."""
    prompts = np.maximum(1.0, prompts)
    limit = np.maximum(1.0, np.minimum(load.slots, load.sequences))
    first_wave = np.minimum(prompts, limit)
    prefill = prefill_s(step, load.prompt, load.cached) + values["serial_s"]
    decode = decode_s(step, first_wave, load.context)
    alone = load.request_s + first_token_s(step, load.prompt, load.cached)
    prompts_s = alone + (first_wave - 1.0) * prefill
    writing = np.where((load.longest > EQUAL), _drain_s(step, load, first_wave), (load.output - 1.0) * decode)
    shrinking = decode_s(step, np.maximum(MEAN_BATCH * first_wave, 1.0), load.context)
    beside = _decodes_s(step, load, first_wave)
    ttft = alone + (first_wave - 1.0) * prefill / 2 + beside
    stretch = (first_wave - 1.0) * prefill / 2 / np.maximum(load.output - 1.0, 1.0)
    tpot = np.where((load.longest > EQUAL), shrinking, decode) + np.minimum(stretch, prefill * load.chunk / load.prompt)
    rest = prompts - first_wave
    more = rest > 0
    point = _inside(step, load, values, first_wave)
    drain = np.where(more, rest / point.rate, 0.0)
    room = np.where((load.longest > EQUAL), prompts_s + 2.0 * beside, prompts_s + writing)
    late = (first_wave * ttft + rest * (room + drain / 2 + point.wait_s)) / prompts
    mixed = (first_wave * tpot + rest * point.tpot_s) / prompts
    whole = prompts_s + writing + drain
    tpot = np.where(more, mixed, tpot)
    gap = _gap(load, first_wave, np.where((load.longest > EQUAL), shrinking, decode), tpot)
    return Figures(prompts / whole * load.output, tpot, np.where(more, late, ttft), gap)


def _open(engine: str, step: Columns, load: Columns, values: Values) -> Figures:  # noqa: ARG001
    """`serving.open_loop`."""
    arrivals = load.arrivals
    load = load.but(slots=np.where(np.isnan(load.flight), load.slots, np.minimum(load.slots, load.flight)))
    limit = np.maximum(1.0, np.minimum(load.slots, load.sequences))
    prompts = np.where(np.isnan(load.prompts), math.inf, load.prompts)
    endless = np.isinf(prompts)
    most = np.minimum(np.minimum(limit, np.maximum(prompts, 1.0)), CROWD)
    full = _inside(step, load, values, most)
    counted = np.where(endless, 1.0, prompts)
    alone = load.request_s + first_token_s(step, load.prompt, load.cached)

    count = np.where(endless, np.maximum(OVERRUN_S * arrivals, 100.0), counted)
    burst = _burst(step, load, values, count)
    span = np.maximum(count * load.output / burst.rate, count / arrivals + load.output * full.tpot_s)
    late = np.maximum(burst.ttft - count / arrivals / 2, alone)
    overrun = np.where(endless, full.rate, count / span)

    busy_s = np.minimum(arrivals * full.prefill_s, 0.999)
    batch, decode = _settled(step, load, arrivals, busy_s, most)
    tpot = decode / (1.0 - busy_s)
    queue = 0.5 * decode * np.minimum(batch, 1.0) + 0.5 * busy_s / (1.0 - busy_s) * full.prefill_s
    wait = alone + values["serial_s"] + queue
    busy = np.minimum(arrivals * (wait + load.output * tpot) / limit, 0.999)
    service = limit / arrivals * busy
    outside = service * busy ** (np.sqrt(2.0 * (limit + 1.0)) - 1.0) / (limit * (1.0 - busy))
    outside = np.where(busy > 0.5, outside, 0.0)
    last = load.output * tpot
    last = np.where((load.longest > EQUAL), np.maximum(last, _drain_s(step, load, np.maximum(batch, 1.0))), last)
    ended = counted / (counted / arrivals + wait + outside + last)
    rate = np.where(endless, arrivals, ended)
    over = arrivals >= full.rate
    return Figures(
        np.where(over, overrun, rate) * load.output,
        np.where(over, burst.tpot, tpot),
        np.where(over, late, outside + wait),
        np.where(over, burst.gap, _gap(load, batch, decode, tpot)),
    )


def _settled(step: Columns, load: Columns, arrivals: Vector, busy: Vector, most: Vector) -> tuple[Vector, Vector]:
    """`speed_inside.at_rate`: the batch that arrivals keep up, and its step."""
    batch, decode = np.ones(len(arrivals)), np.zeros(len(arrivals))
    open_still = np.ones(len(arrivals), dtype=bool)
    for _ in range(MOST_STEPS):
        decode = np.where(open_still, decode_s(step, np.maximum(batch, 1.0), load.context), decode)
        new = np.minimum(arrivals * load.output * decode / (1.0 - busy), most)
        open_still = open_still & (np.abs(new - batch) > TOLERANCE * np.maximum(batch, 1.0))
        if not open_still.any():
            break
        batch = np.where(open_still, new, batch)
    return batch, decode
