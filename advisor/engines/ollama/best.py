"""What one card of a kind gives at its best with Ollama, in each quantisation and with each KV cache."""

from __future__ import annotations

import math

from advisor.catalog import engine_limits, weights_format
from advisor.engines.devices import groups, usable
from advisor.engines.llamacpp.speed import FIT
from advisor.engines.ollama.allocation import parts_of, slot_bytes
from advisor.engines.ollama.levers import both_caches
from advisor.engines.ollama.memory import MOST_SLOTS
from advisor.engines.ollama.propose import candidate_of
from advisor.engines.ollama.sizing import BATCH_TIERS, single_slot, with_slots
from advisor.engines.ollama.speed import server, setup
from advisor.engines.ollama.weights import every_choice
from advisor.physics.memory.cards import usable_bytes
from advisor.physics.speed.ceiling import Best
from advisor.physics.speed.setup import discipline, fitted
from advisor.schema import Candidate, Hardware, ModelSpec, Workload


def best(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Best, ...] | None:
    """Of one of the equal cards; None where its speed is not known, or the processor would do the work."""
    group = groups(hardware)[0][:1]
    if not usable(group[0], engine_limits("ollama")):
        return None
    ways = [
        way
        for choice in every_choice(model, workload)
        for way in both_caches(candidate_of(choice, group, workload, model), group)
    ]
    found = [_of(with_slots(way, 1), hardware, workload, model) for way in ways]
    return None if None in found else tuple(filter(None, found))


def _of(way: Candidate, hardware: Hardware, workload: Workload, model: ModelSpec) -> Best | None:
    """Slots are taken at their full context; the embedding stays on the host, as layers may where they are allowed to.

    More cards hold more, and one of them works at a time.
    """
    ready, parts = setup(way, hardware, model), parts_of(model, weights_format(way.weights_format))
    if ready is None:
        return None
    values, slots = fitted(FIT), 1.0 if single_slot(model) else float(MOST_SLOTS)
    return Best(
        engine=way.engine,
        weights_format=way.weights_format,
        kv_cache_dtype=way.kv_cache_dtype,
        step=ready.step,
        shared=False,
        exchange=(),
        rule=discipline(values, slots, BATCH_TIERS[0][1], own_request_s=server(values).request_s),
        weights_bytes=parts.layers + parts.head,
        card_bytes=math.inf if workload.allow_offload else usable_bytes(hardware.accelerators[0]),
        sequence_bytes=slot_bytes(way, model) if workload.kind == "generate" else 0.0,
    )
