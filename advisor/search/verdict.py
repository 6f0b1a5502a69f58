"""One model on one machine for one workload: `propose -> estimate -> decide`, as every search calls it."""

from __future__ import annotations

from advisor.decide import decide
from advisor.estimate import estimate
from advisor.propose import propose
from advisor.schema import Hardware, ModelSpec, Verdict, Workload


def verdict_for(model: ModelSpec, workload: Workload, hardware: Hardware, *, depth: bool = True) -> Verdict:
    """The verdict for a named model; `depth=False` leaves out curve, crossover and capacity."""
    estimates = [estimate(candidate, workload, hardware, model) for candidate in propose(hardware, workload, model)]
    return decide(estimates, workload, hardware, model, depth=depth)
