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
from advisor.schema import MOST_NODES, Candidate, Hardware, ModelSpec

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
    for candidate in fullest(alone):
        kept = made.setdefault(candidate.engine, [])
        if most is None or len(kept) < most:
            more = _repeated if _fits_one(candidate, hardware, model) else _spanning
            kept.extend(islice(more(candidate, hardware, model), None if most is None else most - len(kept)))
    return tuple(way for ways in made.values() for way in ways)


def on_fewest(usual: Iterable[Candidate], one: Hardware, model: ModelSpec) -> Iterator[Candidate]:
    """Each usual way on as few machines as hold it, to be repeated with `times`: what no number holds is left out.

    Over several machines a way is judged by those that it takes, not by how many there are: what carries a load on some
    is a yes on more of them, and whoever asks about every number of repetitions has asked about all ways.
    """
    for candidate in fullest(usual):
        way = candidate if _fits_one(candidate, one, model) else _fewest(candidate, one, model, MOST_NODES)
        if way is not None:
            yield way


def times(way: Candidate, number: int) -> Candidate:
    """The same on so many times the machines."""
    return replace(way, nodes=way.nodes * number, replicas=way.replicas * number)


def _fits_one(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    """Whether one machine holds it with a single slot: more slots are what the others are for."""
    engine = ENGINES[candidate.engine]
    return engine.memory(engine.resize(candidate, 1.0, hardware, model), hardware, model).fits


def fullest(alone: Iterable[Candidate]) -> list[Candidate]:
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
        yield times(candidate, number)


def _spanning(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Iterator[Candidate]:
    """The fewest machines that hold one replica, and more such groups; where none does, all, so that it says why."""
    holding = _fewest(candidate, hardware, model, hardware.nodes)
    if holding is None:
        yield from _cut(candidate, model, hardware.nodes)[-1:]
        return
    yield holding
    for groups in machines(hardware.nodes // holding.nodes):
        yield times(holding, groups)


def _fewest(candidate: Candidate, hardware: Hardware, model: ModelSpec, nodes: int) -> Candidate | None:
    """One replica over the fewest machines that hold it; None where no number up to `nodes` does."""
    memory = ENGINES[candidate.engine].memory
    return next((way for way in _cut(candidate, model, nodes) if memory(way, hardware, model).fits), None)


def _cut(candidate: Candidate, model: ModelSpec, nodes: int) -> list[Candidate]:
    """One replica in stages across 2 to `nodes` machines, by an engine that can."""
    if SPANS not in engine_limits(candidate.engine).features or candidate.replicas > 1:
        return []
    return [
        replace(candidate, nodes=number, pipeline_parallel=candidate.pipeline_parallel * number)
        for number in range(2, nodes + 1)
        if candidate.pipeline_parallel * number <= model.layers
    ]
