"""`benchmark(chosen, budget)`: start or use the engine, run the loads, keep what is whole, stop what was started."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from advisor.benchmark.loads import SHAPES, Pace, ShapeStep
from advisor.errors import EnvironmentFailed
from advisor.folder.write import write_tree
from advisor.measured.entries import Measurement
from advisor.pipeline import files_of
from advisor.schema import Plan
from advisor.smoke.around import around
from advisor.smoke.job import Options, Progress
from advisor.smoke.keeping import measurement
from advisor.smoke.load.stats import QUIET
from advisor.smoke.outcome import SmokeReport
from advisor.smoke.run import Step, smoke
from advisor.smoke.runners import runner_for

BUDGET_S = 120.0
_STARTED = 0.9  # of the budget is for loads: the rest for starting, counting tokens and warming up


def benchmark(
    plan: Plan,
    budget_s: float = BUDGET_S,
    progress: Progress | None = None,
    keep: Callable[[Measurement], None] = lambda _: None,
    quiet: float = QUIET,
) -> Measurement:
    """What the plan's engine does with the plan's model on this machine.

    Args:
        plan: see `planned`.
        budget_s: for the loads; an engine that has to be started takes its own time besides.
        progress: told what goes on.
        keep: called with what is whole, also when the run is interrupted.
        quiet: the share of the processor that other programs may take.

    Raises:
        EnvironmentFailed: the engine did not start, or nothing was measured.
        KeyboardInterrupt: it was interrupted; what was whole by then was kept.
    """

    kept: list[Measurement] = []

    def keep_whole(report: SmokeReport) -> None:
        found = measurement(plan, report, quiet)
        if found is not None:
            kept.append(found)
            keep(found)

    with tempfile.TemporaryDirectory(prefix="advisor-benchmark-") as name:
        folder = Path(name)
        write_tree(folder, files_of(plan), overwrite=True)
        report = smoke(
            plan, folder, runner_for("auto", plan, folder), Options(trust_files=True), progress,
            on_interrupt=keep_whole, steps=lambda _: steps_of(budget_s),
        )  # fmt: skip
    keep_whole(report)
    if not kept:
        raise EnvironmentFailed(f"nothing was measured: {_why(report)}")
    return kept[0]


def steps_of(budget_s: float) -> tuple[Step, ...]:
    """From the start of the engine to its stop."""
    pace = Pace()
    loads = (Step(shape.name, ShapeStep(shape, _STARTED * budget_s, pace)) for shape in SHAPES)
    return around(Step("warm up", pace.learn, needed=True), *loads)


def _why(report: SmokeReport) -> str:
    """The first step that failed, else that no load was worth keeping."""
    failed = next((step for step in report.steps if step.result == "fail"), None)
    if failed is not None:
        return f"{failed.name}: {failed.detail}"
    return "other programs took much of the processor, or too few requests were answered; try again when it is quiet"
