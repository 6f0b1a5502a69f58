"""`propose(hardware, workload, model) -> Candidates`: everything worth judging, engine by engine."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.engines import ENGINES
from advisor.engines.base import Engine, May, anything
from advisor.errors import BadInput
from advisor.physics.memo import by_identity
from advisor.schema import Candidate, Hardware, ModelSpec, Workload


def engines_for(workload: Workload) -> Mapping[str, Engine]:
    """The engines that the workload lets us choose from; with `both`, the production side is the one that batches.

    Raises:
        BadInput: an engine name that is not registered.
    """
    if workload.engine == "auto":
        return ENGINES
    if workload.engine == "both":
        batching = max(ENGINES, key=lambda name: ENGINES[name].limits().simplicity)
        return {batching: ENGINES[batching]}
    if workload.engine in ENGINES:
        return {workload.engine: ENGINES[workload.engine]}
    raise BadInput(f"--engine {workload.engine}: accepted are auto, both, {', '.join(ENGINES)}")


@by_identity
def propose(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
    """All candidates of all engines in question, those that rules will refuse included; on one machine first."""
    alone = tuple(
        candidate
        for engine in engines_for(workload).values()
        for candidate in engine.propose(hardware, workload, model)
    )
    if hardware.nodes == 1:
        return alone
    from advisor.propose.over_nodes import over_nodes

    return (*alone, *over_nodes(alone, hardware, model))


def levers(
    hardware: Hardware, workload: Workload, model: ModelSpec, engine: str, may: May = anything
) -> tuple[Candidate, ...]:
    """Every further way of one engine, on one machine and on several: for where none of `propose` is a yes.

    Those that `may` denies are left out.
    """
    if hardware.nodes == 1:
        return ENGINES[engine].levers(hardware, workload, model, may)
    from advisor.propose.over_nodes import machines, over_nodes, times

    numbers = (1, *machines(hardware.nodes))

    def somewhere(way: Candidate) -> bool:
        return any(may(times(way, number)) for number in numbers)

    alone = ENGINES[engine].levers(hardware, workload, model, somewhere)
    return tuple(way for way in (*alone, *over_nodes(alone, hardware, model, None)) if may(way))
