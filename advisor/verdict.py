"""One model on one machine for one workload: `propose -> estimate -> decide`, as every search calls it."""

from __future__ import annotations

from dataclasses import replace

from advisor.decide import decide, misses
from advisor.estimate import estimate
from advisor.propose import propose
from advisor.schema import Hardware, ModelSpec, Verdict, Workload


def verdict_for(model: ModelSpec, workload: Workload, hardware: Hardware, *, depth: bool = True) -> Verdict:
    """The verdict for a named model; `depth=False` leaves out curve, crossover and capacity.

    Several machines are looked at only where one of them is not enough.
    """
    if hardware.nodes == 1:
        return _decided(model, workload, hardware, depth=depth)
    alone = replace(hardware, nodes=1)
    first = _decided(model, workload, alone, depth=False)
    if first.meets_targets:
        return _decided(model, workload, alone, depth=depth) if depth else first
    return _decided(model, workload, hardware, depth=depth, one_node=_shortcoming(first))


def _decided(model: ModelSpec, workload: Workload, hardware: Hardware, *, depth: bool, one_node: str = "") -> Verdict:
    estimates = [estimate(candidate, workload, hardware, model) for candidate in propose(hardware, workload, model)]
    return decide(estimates, workload, hardware, model, depth=depth, one_node=one_node)


def _shortcoming(verdict: Verdict) -> str:
    """Why one machine is not enough: what its best way misses, or what refuses each engine's closest one."""
    if verdict.winner is not None:
        return "; ".join(finding.message for finding in misses(verdict.winner))
    told: dict[str, str] = {}
    for judged in verdict.losers:
        told.setdefault(judged.estimate.candidate.engine, judged.why_lost.partition(": ")[2])
    return "; ".join(dict.fromkeys(told.values()))
