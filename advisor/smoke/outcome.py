"""What a smoke test leaves behind: steps, loads, and the prediction beside the measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from advisor.engines.observing import Effective
from advisor.schema import Hardware, value
from advisor.smoke.load.ramp import Ramp
from advisor.smoke.load.stats import LoadResult

Result = Literal["pass", "fail", "skipped"]


@value
class StepResult:
    """One step as it went."""

    name: str
    result: Result
    seconds: float
    detail: str
    environment: bool = False  # a failure here says that the machine refused, not that the plan is wrong


@value
class Comparison:
    """A predicted figure beside the measured one."""

    figure: str
    in_flight: int | None  # None: does not depend on the load
    unit: str
    low: float
    expected: float
    high: float
    basis: str
    measured: float
    in_range: bool

    @property
    def ratio(self) -> float:
        """Measured over predicted."""
        return self.measured / self.expected if self.expected else float("inf")


@value
class SmokeReport:
    """Everything that was found out."""

    plan: str
    engine: str
    engine_version: str  # that answered; the plan's, where it did not say
    planned_version: str
    model: str
    runner: str
    began: str  # UTC, ISO 8601
    seconds: float
    steps: tuple[StepResult, ...]
    effective: Effective | None = None
    loads: tuple[LoadResult, ...] = ()
    ramp: Ramp | None = None
    comparisons: tuple[Comparison, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    memory_bytes: int | None = None
    hardware: Hardware | None = None  # None: it did not come that far
    schema_version: int = 1

    @property
    def passed(self) -> bool:
        """No step failed, and at least one was taken."""
        return bool(self.steps) and all(step.result != "fail" for step in self.steps)

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 something failed, 3 the environment failed."""
        if self.passed:
            return 0
        first = next((step for step in self.steps if step.result == "fail"), None)
        return 3 if first is not None and first.environment else 1
