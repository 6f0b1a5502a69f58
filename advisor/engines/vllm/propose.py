"""Every way worth judging to run a model with vLLM on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from advisor.catalog import engine_limits
from advisor.catalog.vendors import build_for
from advisor.engines.devices import Group, counts, groups, has_fp8, indices, linked, mixed, pick, usable
from advisor.engines.vllm.cores import compute_threads
from advisor.engines.vllm.defaults import device_defaults
from advisor.engines.vllm.edge import at_the_edge
from advisor.engines.vllm.kv_types import takes_fp8_kv
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.needs import kv_cache_dtype
from advisor.engines.vllm.sizing import chunk_for, seqs_for, sixteen_bit_name, utilization
from advisor.engines.vllm.unequal import by_room, sizes
from advisor.engines.vllm.weights import PLAIN, Weights, choices, cpu_plain_format
from advisor.frozen import replace
from advisor.schema import Candidate, Cpu, Hardware, ModelSpec, Workload

MOST = 24  # candidates: beyond it nobody reads the losers
CPU_FORMATS = (*PLAIN, "awq-int4", "gptq-int4", "w4a16", "int8-w8a8")
CPU_SETS = ("avx2", "avx512", "neon")


class Layout(NamedTuple):
    """How one replica is split, and how many there are."""

    tensor: int
    pipeline: int = 1
    replicas: int = 1

    @property
    def cards(self) -> int:
        """Cards of all replicas."""
        return self.tensor * self.pipeline * self.replicas


def propose(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
    """All candidates, 16-bit KV caches first; those that rules will refuse are in, so that they say why."""
    weights = choices(model, workload)
    on_cards = [
        candidate for group in groups(hardware) for candidate in _on_group(group, weights, hardware, workload, model)
    ]
    on_cards += _on_unequal(weights, hardware, workload, model)
    on_cpu = _on_cpu(weights, workload, hardware.cpu) if _needs_cpu(hardware) else []
    ordered = sorted(on_cards, key=lambda candidate: candidate.kv_cache_dtype != "auto")
    return tuple([*ordered, *on_cpu][:MOST])


def split(cards: int, heads: int) -> Layout:
    """Tensor parallelism as far as the attention heads divide, pipeline parallelism for the rest."""
    tensor = max(size for size in range(1, cards + 1) if cards % size == 0 and (not heads or heads % size == 0))
    return Layout(tensor, cards // tensor)


def _on_group(
    group: Group, weights: tuple[Weights, ...], hardware: Hardware, workload: Workload, model: ModelSpec
) -> Iterator[Candidate]:
    """For each format: the smallest number of cards that holds it, what is above, and the nearest miss."""
    enough_for_native, started, missed = len(group), False, list[Candidate]()
    for number, choice in enumerate(worth_trying(group, weights)):
        singles = [candidate_of(choice, split(n, model.heads), group, workload, model) for n in counts(len(group))]
        fitting = [candidate for candidate in singles if _fits(candidate, hardware, model)]
        if not fitting:
            yield singles[-1]
            yield from _with_fp8_kv(singles[-1], group, hardware, workload, model)
            missed.append(singles[-1])
            continue
        started = True
        smallest = len(fitting[0].gpu_indices)
        if number == 0:
            enough_for_native = smallest
            layouts = [*_native_layouts(smallest, group, model), *_missed(singles, smallest, model)]
        else:
            # A coarser format earns its place by fewer cards, or by more room on the same ones.
            most = max(enough_for_native, smallest)
            layouts = [split(n, model.heads) for n in counts(len(group)) if smallest <= n <= most]
            layouts += _replicated(smallest, group, model)[-1:]
        for layout in layouts:
            candidate = candidate_of(choice, layout, group, workload, model)
            yield candidate
            yield from _with_fp8_kv(candidate, group, hardware, workload, model)

    starts = started or any(_fits(replace(candidate, max_in_flight=1), hardware, model) for candidate in missed)
    if not starts and _runs_on(group):  # what takes speed or pictures away comes last, whatever the load
        for candidate in missed:
            yield from at_the_edge(candidate, hardware, workload, model)


def _on_unequal(
    weights: tuple[Weights, ...], hardware: Hardware, workload: Workload, model: ModelSpec
) -> Iterator[Candidate]:
    """All cards of several kinds together: in each format what fits, else the nearest miss."""
    cards = mixed([card for card in hardware.accelerators if usable(card, engine_limits("vllm"))])
    if not cards or workload.pooled:
        return
    for choice in worth_trying(cards, weights):
        found = [candidate_of(choice, Layout(*size), cards, workload, model) for size in sizes(cards, model)]
        ways = [by_room(way, hardware, model) if way.pipeline_parallel > 1 else way for way in found]
        for way in [way for way in ways if _fits(way, hardware, model)] or ways[:1]:
            yield way
            yield from _with_fp8_kv(way, cards, hardware, workload, model)


def worth_trying(group: Group, weights: tuple[Weights, ...]) -> tuple[Weights, ...]:
    """On a card that vLLM cannot use one format is enough to say so; some builds need FP8 units for FP8."""
    if not _runs_on(group):
        return weights[:1]
    no_fp8 = any(build_for(card, "vllm").fp8_in_hardware_only and not has_fp8(card) for card in group)
    return tuple(choice for choice in weights if not (no_fp8 and choice.format == "fp8"))


def _runs_on(group: Group) -> bool:
    return all(usable(card, engine_limits("vllm")) for card in group)


def _native_layouts(smallest: int, group: Group, model: ModelSpec) -> list[Layout]:
    larger = [split(n, model.heads) for n in counts(len(group)) if n >= smallest]
    staged = []
    if smallest > 1 and not linked(pick(group, smallest)) and model.layers >= smallest:
        staged = [Layout(1, smallest)]  # without NVLink a pipeline exchanges far less than tensor parallelism
    return list(dict.fromkeys([*larger, *staged, *_replicated(smallest, group, model)]))


def _replicated(smallest: int, group: Group, model: ModelSpec) -> list[Layout]:
    one = split(smallest, model.heads)
    room = len(group) // smallest
    return [one._replace(replicas=n) for n in counts(room) if n > 1] if room > 1 else []


def _missed(singles: list[Candidate], smallest: int, model: ModelSpec) -> list[Layout]:
    below = [len(c.gpu_indices) for c in singles if len(c.gpu_indices) < smallest]
    return [split(max(below), model.heads)] if below else []


def candidate_of(choice: Weights, layout: Layout, group: Group, workload: Workload, model: ModelSpec) -> Candidate:
    """These weights in this layout on cards of the group, sized for everybody at once."""
    cards = pick(group, layout.cards)
    return Candidate(
        engine="vllm",
        model_ref=choice.ref,
        weights_format=sixteen_bit_name(cards, choice.format),
        kv_cache_dtype=kv_cache_dtype(model),
        device="gpu",
        gpu_indices=indices(cards),
        context_tokens=workload.context_tokens,
        max_in_flight=seqs_for(_most_in_flight(workload) / layout.replicas, cards),
        max_batched_tokens=chunk_for(cards, workload, model, layout.tensor),
        tensor_parallel=layout.tensor,
        pipeline_parallel=layout.pipeline,
        replicas=layout.replicas,
        memory_utilization=utilization(cards, model),
    )


def _with_fp8_kv(
    candidate: Candidate, group: Group, hardware: Hardware, workload: Workload, model: ModelSpec
) -> Iterator[Candidate]:
    """The same with an FP8 KV cache, where a 16-bit one cannot hold everybody's full context at once."""
    if workload.pooled or not takes_fp8_kv(group, model):
        return
    if memory(candidate, hardware, model).full_sequences * candidate.replicas >= _most_in_flight(workload):
        return
    smaller = replace(candidate, kv_cache_dtype="fp8")
    if memory(smaller, hardware, model).fits:
        yield smaller


def _fits(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    """Whether it starts; a hybrid's slots are bounded by its state blocks and come later, so one is enough here."""
    fewest = replace(candidate, max_in_flight=1) if model.layers_linear else candidate
    return memory(fewest, hardware, model).fits


def _most_in_flight(workload: Workload) -> int:
    return workload.concurrency or workload.users


def _needs_cpu(hardware: Hardware) -> bool:
    """No card at all, and a processor it has kernels for (a Mac without a GPU: so that a rule says no).

    Beside a card that vLLM cannot use, its CPU build is no advice: the rule that refuses the card is.
    """
    limits = engine_limits("vllm")
    if hardware.os == "darwin":
        return not hardware.accelerators
    if any(usable(card, limits) or card.device_class != "unified" for card in hardware.accelerators):
        return False
    return limits.cpu and any(name in CPU_SETS for name in hardware.cpu.instruction_sets)


def _on_cpu(weights: tuple[Weights, ...], workload: Workload, cpu: Cpu) -> list[Candidate]:
    plain = cpu_plain_format(cpu)
    batched, seqs = device_defaults(())
    if workload.pooled:
        batched = max(batched, workload.context_tokens)
    return [
        Candidate(
            engine="vllm",
            model_ref=choice.ref,
            weights_format=plain if choice.format in PLAIN else choice.format,
            kv_cache_dtype="auto",
            device="cpu",
            gpu_indices=(),
            context_tokens=workload.context_tokens,
            max_in_flight=min(seqs, seqs_for(_most_in_flight(workload), ())),
            max_batched_tokens=batched,
            cpu_threads=compute_threads(cpu),
        )
        for choice in weights
        if choice.format in CPU_FORMATS and (choice.format in PLAIN or _has_packed_kernels(cpu))
    ]


def _has_packed_kernels(cpu: Cpu) -> bool:
    """4-bit weights: of the two x86 builds in the wheel (0.32.0) only the one for AVX-512 holds `cpu_gemm_wna16`."""
    return cpu.architecture != "x86_64" or any(name.startswith("avx512") for name in cpu.instruction_sets)
