"""The prediction beside the measurement: rate, TTFT, TPOT at each load, and what was there of KV, slots, memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.measured.machine import share_in_step
from advisor.schema import Figure, Question, Workload
from advisor.smoke.job import Job
from advisor.smoke.load.stats import LoadResult
from advisor.smoke.outcome import Comparison

_EXACT = 0.1  # capacities are expected within a tenth


def comparisons(job: Job) -> tuple[Comparison, ...]:
    """Every figure that was both predicted and measured."""
    return (*(row for load in job.loads for row in _speed(job, load)), *_capacity(job))


def _speed(job: Job, load: LoadResult) -> Iterator[Comparison]:
    from advisor.estimate import speed_at

    if load.ttft_s is None or load.errors:
        return
    plan, candidate = job.plan, job.plan.estimate.candidate
    together = share_in_step(plan.engine, load.in_flight, load.completed)
    asked = Question(
        model=plan.model, workload=as_driven(plan.workload, load), hardware=plan.hardware, measurements=job.measurements
    )  # fmt: skip
    speed = speed_at(candidate, load.in_flight, asked, together=together)
    if speed is None:
        return
    level, replicas = round(load.in_flight), candidate.replicas
    rate = load.steady_output_tokens_per_s or load.output_tokens_per_s
    yield compared("output rate", level, "tokens/s", scaled(speed.output_tokens_per_s, replicas), rate)
    yield compared("TTFT, warm" if load.history_tokens else "TTFT", level, "s", speed.ttft_s, load.ttft_s.mean)
    if load.tpot_s is not None:
        yield compared("TPOT", level, "s", speed.tpot_s, load.tpot_s.mean)


def as_driven(workload: Workload, load: LoadResult) -> Workload:
    """The workload as the load generator played it: every prompt is new, or has its history read before."""
    return replace(
        workload, history_tokens=workload.history_tokens if load.history_tokens else 0, users=max(load.requests, 1),
        concurrency=None, request_rate=None, ttft_kind="auto", lengths="fixed",
    )  # fmt: skip


def _capacity(job: Job) -> Iterator[Comparison]:
    candidate, memory = job.plan.estimate.candidate, job.plan.estimate.memory
    effective = job.effective
    if effective is not None:
        for name, unit, planned, found in (
            ("KV cache", "tokens", memory.kv_tokens, effective.kv_tokens),
            ("slots", "requests", candidate.max_in_flight, effective.slots),
            ("context", "tokens", candidate.context_tokens, effective.context_tokens),
        ):
            if found is not None:
                yield compared(name, None, unit, exact(planned), found)
    if job.memory_bytes:
        yield compared("memory", None, "bytes", exact(memory.used_bytes), job.memory_bytes)


def compared(name: str, level: int | None, unit: str, figure: Figure, measured: float) -> Comparison:
    """One row."""
    return Comparison(
        figure=name, in_flight=level, unit=unit,
        low=figure.low, expected=figure.expected, high=figure.high, basis=figure.basis,
        measured=measured, in_range=figure.low <= measured <= figure.high,
    )  # fmt: skip


def exact(number: float) -> Figure:
    """A capacity: computed, and expected within a tenth."""
    return Figure(
        low=number * (1 - _EXACT), expected=number, high=number * (1 + _EXACT), basis="analytic", source="smoke-test"
    )


def scaled(figure: Figure, factor: float) -> Figure:
    """The same figure of so many replicas."""
    if factor == 1:
        return figure
    return Figure(
        low=figure.low * factor, expected=figure.expected * factor, high=figure.high * factor,
        basis=figure.basis, source=figure.source,
    )  # fmt: skip
