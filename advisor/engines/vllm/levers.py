"""What else could be tried with vLLM where no usual way meets the targets: every layout, format and KV cache."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import engine_limits, weights_format
from advisor.engines.base import May, anything
from advisor.engines.devices import Group, groups, usable
from advisor.engines.vllm.edge import at_the_edge
from advisor.engines.vllm.kv_types import takes_fp8_kv
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.propose import Layout, candidate_of, worth_trying
from advisor.engines.vllm.sizing import sixteen_bit_name, with_seqs
from advisor.engines.vllm.weights import Weights, choices
from advisor.frozen import replace
from advisor.physics.memo import by_identity
from advisor.schema import Candidate, Hardware, ModelSpec, Workload


def levers(hardware: Hardware, workload: Workload, model: ModelSpec, may: May = anything) -> tuple[Candidate, ...]:
    """Every layout with as many replicas as the cards hold, in every format; what does not fit is left out.

    Where nothing starts plainly, what starts without graphs or without the vision tower.
    """
    made = _made(hardware, workload, model)
    found = [candidate for candidate in made if may(candidate)]
    plain = tuple(candidate for candidate in found if _fits(candidate, hardware, model))
    if plain or any(_fits(candidate, hardware, model) for candidate in made if not may(candidate)):
        return plain
    edges = (edge for candidate in found for edge in at_the_edge(candidate, hardware, workload, model))
    return tuple(edge for edge in dict.fromkeys(edges) if _fits(edge, hardware, model))


@by_identity
def _made(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
    """All of them, whether they fit or not: they are asked for again with other numbers of such machines."""
    return tuple(
        candidate
        for group in groups(hardware)
        if all(usable(card, engine_limits("vllm")) for card in group)
        for candidate in _of_group(group, workload, model)
    )


def _of_group(group: Group, workload: Workload, model: ModelSpec) -> Iterator[Candidate]:
    """In each format, in each layout, with each cache: a layout is the same in every format."""
    weights = worth_trying(group, formats(model, workload))
    every = layouts(len(group), model) if weights else ()
    made = [candidate_of(weights[0], layout, group, workload, model) for layout in every]
    for choice in weights:
        for candidate in made:
            name = sixteen_bit_name(group, choice.format)
            so = replace(candidate, model_ref=choice.ref, weights_format=name)
            yield from both_caches(so, group, workload, model)


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


def both_caches(candidate: Candidate, group: Group, workload: Workload, model: ModelSpec) -> Iterator[Candidate]:
    """The candidate, and the same with an 8-bit KV cache where attention takes one."""
    yield candidate
    if not workload.pooled and takes_fp8_kv(group, model):
        yield replace(candidate, kv_cache_dtype="fp8")


def _fits(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    return memory(with_seqs(candidate, 1, hardware, model), hardware, model).fits
