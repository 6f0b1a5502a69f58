"""Ways over several machines, made from the ways on one: more replicas, or a model in stages across machines.

Asked for only when one machine is not enough (`search/verdict.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from advisor.catalog import engine_limits
from advisor.engines import ENGINES
from advisor.engines.devices import counts
from advisor.frozen import replace
from advisor.schema import Candidate, Hardware, ModelSpec

SPANS = "pipeline_over_nodes"  # the engine feature
EVERY_NUMBER_TO = 8
MOST = 24  # candidates of one engine


def over_nodes(
    alone: Iterable[Candidate], hardware: Hardware, model: ModelSpec, most: int | None = MOST
) -> tuple[Candidate, ...]:
    """Everything worth judging on 2 to `hardware.nodes` machines.

    What fits one machine is repeated on each, behind a port of its own; what does not is cut into stages across
    machines, by an engine that can.

    Args:
        alone: ways on one machine.
        hardware: the machines.
        model: what is served.
        most: ways of one engine; None: all, since the first ones, each on every number of machines, leave no room.
    """
    made: dict[str, list[Candidate]] = {}
    for candidate in _fullest(alone):
        kept = made.setdefault(candidate.engine, [])
        if most is None or len(kept) < most:
            more = _repeated if _fits_one(candidate, hardware, model) else _spanning
            kept.extend(islice(more(candidate, hardware, model), None if most is None else most - len(kept)))
    return tuple(way for ways in made.values() for way in ways)


def _fits_one(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    """Whether one machine holds it with a single slot: more slots are what the others are for."""
    engine = ENGINES[candidate.engine]
    return engine.memory(engine.resize(candidate, 1.0, hardware, model), hardware, model).fits


def _fullest(alone: Iterable[Candidate]) -> list[Candidate]:
    """Of each format, those that use the most cards of one machine: with fewer it would not need a second one."""
    kept: dict[tuple[str, ...], list[Candidate]] = {}
    for candidate in alone:
        if candidate.cpu_layers:
            continue  # layers on the CPU of each machine: slow many times over
        weights = (candidate.model_ref, candidate.weights_format, candidate.kv_cache_dtype)
        kept.setdefault((candidate.engine, candidate.device, *weights), []).append(candidate)
    most = {key: max(len(candidate.gpu_indices) for candidate in group) for key, group in kept.items()}
    return [c for key, group in kept.items() for c in group if len(c.gpu_indices) == most[key]]


def machines(nodes: int) -> tuple[int, ...]:
    """Numbers of machines worth trying: every one of a few, then doubled ones and all."""
    few = range(2, min(nodes, EVERY_NUMBER_TO) + 1)
    return tuple(dict.fromkeys([*few, *(n for n in counts(nodes) if n > EVERY_NUMBER_TO)]))


def _repeated(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Iterator[Candidate]:  # noqa: ARG001
    for number in machines(hardware.nodes):
        yield replace(candidate, nodes=number, replicas=candidate.replicas * number)


def _spanning(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Iterator[Candidate]:
    """The fewest machines that hold one replica, and more such groups; where none does, all, so that it says why."""
    if SPANS not in engine_limits(candidate.engine).features or candidate.replicas > 1:
        return
    ways = [
        replace(candidate, nodes=number, pipeline_parallel=candidate.pipeline_parallel * number)
        for number in range(2, hardware.nodes + 1)
        if candidate.pipeline_parallel * number <= model.layers
    ]
    engine = ENGINES[candidate.engine]
    holding = next((way for way in ways if engine.memory(way, hardware, model).fits), None)
    if holding is None:
        yield from ways[-1:]
        return
    yield holding
    for groups in machines(hardware.nodes // holding.nodes):
        yield replace(holding, nodes=holding.nodes * groups, replicas=groups)
