"""What a smoke test found, as the rows of a page: steps, loads, predicted beside measured."""

from __future__ import annotations

from typing import Any

from advisor.catalog import engine_limits
from advisor.smoke.load.stats import LoadResult, Spread
from advisor.smoke.outcome import Comparison, SmokeReport
from advisor.smoke.report import shown_in
from advisor.units import count, ms, seconds

_KINDS = {"pass": "ok", "fail": "miss", "skipped": ""}


def smoke_sheet(report: SmokeReport) -> dict[str, Any]:
    """The sections of a smoke test by name, for the template."""
    return {
        "title": f"Smoke test of {report.plan}: {'passed' if report.passed else 'failed'}",
        "passed": report.passed,
        "about": f"{engine_limits(report.engine).title} {report.engine_version} ({report.runner}), {report.model}, "
        f"{report.began}, {seconds(report.seconds)}",
        "steps": [
            ((each.name, each.result, f"{each.seconds:.1f} s", each.detail), _KINDS[each.result])
            for each in report.steps
        ],
        "loads": [_load(each) for each in report.loads],
        "comparisons": [_comparison(each) for each in report.comparisons],
        "ramp": f"{report.ramp.best} in flight meet the targets. {report.ramp.reason}." if report.ramp else "",
    }


def _load(load: LoadResult) -> tuple[str, ...]:
    rate = load.steady_output_tokens_per_s or load.output_tokens_per_s
    failed = sum(load.errors.values())
    return (
        f"{load.in_flight:.3g}", f"{load.requests}, {failed} failed", count(rate), _two(load.ttft_s),
        _two(load.tpot_s), f"{load.good_share:.0%}",
    )  # fmt: skip


def _two(spread: Spread | None) -> str:
    return f"{ms(spread.mean)} / {ms(spread.p95)}" if spread else "-"


def _comparison(row: Comparison) -> tuple[tuple[str, ...], str]:
    """Figure, load, predicted with its range, measured, their ratio, whether it lies within the range."""
    show = shown_in(row.unit)
    predicted = f"{show(row.expected)} ({show(row.low)} to {show(row.high)}, {row.basis})"
    level = "-" if row.in_flight is None else count(row.in_flight)
    inside = "in range" if row.in_range else "out of range"
    cells = (row.figure, level, predicted, show(row.measured), f"{row.ratio:.2f}", inside)
    return cells, "ok" if row.in_range else "may"
