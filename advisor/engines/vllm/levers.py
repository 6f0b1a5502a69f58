"""What else could be tried with vLLM where no usual way meets the targets: every layout, format and KV cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.catalog import engine_limits, weights_format
from advisor.engines.devices import Group, groups, usable
from advisor.engines.vllm.edge import at_the_edge
from advisor.engines.vllm.kv_types import takes_fp8_kv
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.propose import Layout, candidate_of, worth_trying
from advisor.engines.vllm.sizing import with_seqs
from advisor.engines.vllm.weights import Weights, choices
from advisor.schema import Candidate, Hardware, ModelSpec, Workload


def levers(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
    """Every layout with as many replicas as the cards hold, in every format; what does not fit is left out.

    Where nothing starts plainly, what starts without graphs or without the vision tower.
    """
    found = [
        candidate
        for group in groups(hardware)
        if all(usable(card, engine_limits("vllm")) for card in group)
        for choice in worth_trying(group, formats(model, workload))
        for layout in layouts(len(group), model)
        for candidate in _both_caches(candidate_of(choice, layout, group, workload, model), group, workload, model)
    ]
    plain = tuple(candidate for candidate in found if _fits(candidate, hardware, model))
    if plain:
        return plain
    edges = (edge for candidate in found for edge in at_the_edge(candidate, hardware, workload, model))
    return tuple(edge for edge in dict.fromkeys(edges) if _fits(edge, hardware, model))


def formats(model: ModelSpec, workload: Workload) -> tuple[Weights, ...]:
    """Where none was asked for: beside the usual formats every one that a repository holds."""
    usual = choices(model, workload)
    native = weights_format(model.native_format)
    if workload.quantization != "auto" or native.kind == "gguf" or workload.pooled:
        return usual
    held = [Weights(name, ref) for name, ref in model.repos.items() if "vllm" in weights_format(name).engines]
    return tuple(dict.fromkeys([*usual, *held]))


def layouts(cards: int, model: ModelSpec) -> tuple[Layout, ...]:
    """Tensor and pipeline parallel sizes that the cards allow, each with as many replicas as there is room for."""
    return tuple(
        Layout(tensor, pipeline, cards // (tensor * pipeline))
        for tensor in range(1, cards + 1)
        if not model.heads or model.heads % tensor == 0
        for pipeline in range(1, cards // tensor + 1)
        if pipeline <= max(model.layers, 1)
    )


def _both_caches(candidate: Candidate, group: Group, workload: Workload, model: ModelSpec) -> Iterator[Candidate]:
    yield candidate
    if not workload.pooled and takes_fp8_kv(group, model):
        yield replace(candidate, kv_cache_dtype="fp8")


def _fits(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    return memory(with_seqs(candidate, 1, hardware, model), hardware, model).fits
