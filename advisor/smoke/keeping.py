"""What of a smoke test is a measurement: the values that `advisor.measured` keeps."""

from __future__ import annotations

from advisor.measured.entries import MeasuredLoad, Measurement, measurement_of
from advisor.schema import Plan
from advisor.smoke.load.stats import QUIET, LoadResult
from advisor.smoke.outcome import SmokeReport

_LEAST_REQUESTS = 4  # fewer say nothing about a steady state


def measurement(plan: Plan, report: SmokeReport, quiet: float = QUIET) -> Measurement | None:
    """The loads that ran to their end, undisturbed; None where there is none.

    Other programs may take the share `quiet` of the processor before a load says nothing.
    """
    loads = [measured for load in report.loads if (measured := _measured(load, plan, quiet)) is not None]
    if not loads:
        return None
    effective = report.effective
    return measurement_of(
        plan,
        loads,
        engine_version=report.engine_version,
        taken=report.began,
        kv_tokens=effective.kv_tokens if effective else None,
        slots=effective.slots if effective else None,
        memory_bytes=report.memory_bytes,
    )


def _measured(load: LoadResult, plan: Plan, quiet: float) -> MeasuredLoad | None:
    """None for what is no measurement: errors, too few requests, or a machine that was busy with something else."""
    if load.errors or load.ttft_s is None or load.tpot_s is None or load.completed < _LEAST_REQUESTS:
        return None
    if load.mode != "closed" or (load.others_share or 0.0) > quiet:
        return None
    return MeasuredLoad(
        in_flight=load.in_flight,
        input_tokens=load.input_tokens,
        output_tokens=load.output_tokens,
        shared_prefix_tokens=plan.workload.shared_prefix_tokens,
        history_tokens=load.history_tokens,
        output_tokens_per_s=load.steady_output_tokens_per_s or load.output_tokens_per_s,
        ttft_s=load.ttft_s.mean,
        ttft_p95_s=load.ttft_s.p95,
        tpot_s=load.tpot_s.mean,
        tpot_p95_s=load.tpot_s.p95,
        requests=load.completed,
        seconds=load.seconds,
    )
