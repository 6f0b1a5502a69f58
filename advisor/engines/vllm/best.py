"""What one card of a kind gives at its best with vLLM, in each format and with each KV cache."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import engine_limits, weights_format
from advisor.engines.devices import groups, indices, usable
from advisor.engines.vllm.consumed import non_torch_bytes
from advisor.engines.vllm.levers import both_caches, formats
from advisor.engines.vllm.memory import requested_bytes
from advisor.engines.vllm.propose import Layout, candidate_of, worth_trying
from advisor.engines.vllm.sizing import CHUNKS, GRAPH_SIZES
from advisor.engines.vllm.speed import FIT, setup
from advisor.frozen import replace
from advisor.models.thinking import written_tokens
from advisor.physics.memory.weights import vision_bytes, weight_bytes
from advisor.physics.speed.ceiling import Best, Exchange
from advisor.physics.speed.facts import held_bytes
from advisor.physics.speed.setup import discipline, fitted
from advisor.schema import Candidate, Hardware, ModelSpec, Workload


def best(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Best, ...] | None:
    """Of one of the equal cards; empty where it does not run there, None where its speed is not known."""
    group = groups(hardware)[0]
    if not usable(group[0], engine_limits("vllm")):
        return () if group[0].device_class != "unified" else None
    ways = [
        way
        for choice in worth_trying(group, formats(model, workload))
        for way in both_caches(candidate_of(choice, Layout(1), group, workload, model), group, workload, model)
    ]
    talk = tuple(exchange for way in ways[:1] for exchange in _exchange(way, hardware, model))
    found = [_of(way, hardware, workload, model, talk) for way in ways]
    return None if None in found else tuple(filter(None, found))


def _exchange(way: Candidate, hardware: Hardware, model: ModelSpec) -> Iterator[Exchange]:
    """What ranks tell each other, a step and a token, for each number of them: it is the same in every format."""
    every, alone = indices(hardware.accelerators), 0.0
    for ranks in range(1, len(every) + 1):
        ready = setup(replace(way, gpu_indices=every[:ranks], tensor_parallel=ranks), hardware, model)
        if ready is not None:
            alone = ready.step.overhead_s if ranks == 1 else alone
            yield Exchange(ready.step.overhead_s - alone, ready.step.all_reduce_token_s)


def _of(
    way: Candidate, hardware: Hardware, workload: Workload, model: ModelSpec, talk: tuple[Exchange, ...]
) -> Best | None:
    """The step is that of the largest chunks, which read the weights least often; pictures may be left out."""
    way, fmt = replace(way, max_batched_tokens=CHUNKS[-1]), weights_format(way.weights_format)
    ready = setup(way, hardware, model)
    if ready is None:
        return None
    card, facts = hardware.accelerators[0], ready.prepared.facts
    own = workload.input_tokens - workload.shared_prefix_tokens + written_tokens(workload, model) / 2
    return Best(
        engine=way.engine,
        weights_format=way.weights_format,
        kv_cache_dtype=way.kv_cache_dtype,
        step=ready.step,
        shared=True,
        exchange=talk,
        rule=discipline(fitted(FIT), GRAPH_SIZES[-1], way.max_batched_tokens),
        weights_bytes=weight_bytes(model, fmt).total_bytes - vision_bytes(model, fmt),
        card_bytes=requested_bytes(way, card) - non_torch_bytes(way, hardware),
        sequence_bytes=held_bytes(facts, max(own, 1.0)) - facts.state_bytes if workload.kind == "generate" else 0.0,
    )
