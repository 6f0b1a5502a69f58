"""What a rule sees, and the registry's shape. A predicate returns its message, with the two numbers, or None."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal

from advisor.catalog.entries import EngineLimits, WeightsFormat
from advisor.catalog.vendors import vendor_of
from advisor.schema import Accelerator, Estimate, Finding, Hardware, Judged, ModelSpec, Severity, Workload, value

MUCH_MORE_BITS = 1.4  # from this ratio on it is said that two ways do not load the same weights
VETO: tuple[Severity, ...] = ("CRASH", "OOM", "SILENT")


@value
class Rule:
    """One entry of `catalog/data/rules.yaml`."""

    id: str
    title: str
    scope: Literal["candidate", "contest"]
    severity: Severity
    why: str
    source: str
    misses_target: bool = False
    threshold: Mapping[str, Any] = field(default_factory=dict)


@value
class Case:
    """One candidate with everything a rule may look at."""

    estimate: Estimate
    hardware: Hardware
    workload: Workload
    model: ModelSpec
    limits: EngineLimits
    weights_format: WeightsFormat

    @property
    def cards(self) -> tuple[Accelerator, ...]:
        """The accelerators that the candidate would use."""
        chosen = set(self.estimate.candidate.gpu_indices)
        return tuple(card for card in self.hardware.accelerators if card.index in chosen)

    @property
    def cuda_cards(self) -> tuple[Accelerator, ...]:
        """Those of them whose compute capability is CUDA's."""
        return tuple(card for card in self.cards if vendor_of(card).cuda_capability)


@value
class Contest:
    """The best of each engine side by side, for the same people; None where all of an engine were refused."""

    best: Mapping[str, Judged | None]
    misses: Mapping[str, tuple[Finding, ...]]  # missed targets of each engine that can run
    simplicity: Mapping[str, int]
    titles: Mapping[str, str]
    features: Mapping[str, tuple[str, ...]]
    bits: Mapping[str, float]  # of a weight, engines that can run
    workload: Workload
    crossover_in_flight: float | None
    answer_s: Mapping[str, float]  # what a person waits for a whole answer, engines with a figure
    tokens_per_s: Mapping[str, float]  # total output of the same
    refused: Mapping[str, str]  # engines that cannot run → why, of the candidate that came closest
    load: float = 0.0  # people, requests in flight or requests/s: as it was asked
    ahead_from: float | None = None  # load from which the other engine serves each person clearly better; None: never
    level_from: float | None = None  # load from which it serves nobody clearly worse
    outlasted: bool = False  # the simpler engine meets the targets at a load at which the other does not
    spilled: bool = False  # the load takes more cards with the simpler engine than a request, and than the other engine
    one_node: str = ""  # why one of several machines is not enough

    @property
    def able(self) -> tuple[str, ...]:
        """Engines with a candidate that no rule refuses."""
        return tuple(name for name, judged in self.best.items() if judged is not None)

    @property
    def meeting(self) -> tuple[str, ...]:
        """Engines that also meet every target."""
        return tuple(name for name in self.able if not self.misses[name])


CasePredicate = Callable[[Case, Mapping[str, Any]], "str | None"]
ContestPredicate = Callable[[Contest, Mapping[str, Any]], "str | None"]
