"""Every way worth judging to run a model with Ollama on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.catalog import engine_limits
from advisor.catalog.vendors import build_for, vendor_of
from advisor.engines.devices import Group, at_least, capability, counts, groups, indices, pick, usable
from advisor.engines.ollama.memory import MOST_SLOTS, memory
from advisor.engines.ollama.sizing import offloaded, single_slot, with_slots
from advisor.engines.ollama.weights import Weights, choices
from advisor.engines.own import with_own_memory
from advisor.schema import Accelerator, Candidate, Hardware, ModelSpec, Workload

MOST = 24


def propose(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
    """The fewest cards that hold it and all cards, a part on the CPU, the CPU alone; f16 KV before q8_0.

    Slots are for everybody at once; `resize` brings them to the load and to the memory.
    """
    hardware = with_own_memory("ollama", hardware)
    found: list[Candidate] = []
    for number, choice in enumerate(choices(model, workload)):
        for cards in families(hardware):
            ways = _on_cards(choice, cards, hardware, workload, model)
            found.extend(way for way in ways if number == 0 or not way.cpu_layers)  # the default is the smaller one
        if _cpu_alone(hardware, workload):
            found.append(candidate_of(choice, (), workload, model))
    return tuple(dict.fromkeys(found[:MOST]))


def flash_attention(card: Accelerator) -> bool:
    """Whether llama.cpp has flash attention on this card; a quantised KV cache needs it."""
    if vendor_of(card).cuda_capability:
        return at_least(card, "6.0") and capability(card) != (7, 2)
    return True


def families(hardware: Hardware) -> tuple[Group, ...]:
    """Cards that Ollama would put one model on: those that one build runs on; MIG slices one by one."""
    makers: dict[str, list[Accelerator]] = {}
    for card in hardware.accelerators:
        found = vendor_of(card).builds.get("ollama") and build_for(card, "ollama").backend
        key = f"{card.vendor}/{card.index if card.mig_profile else found}"
        makers.setdefault(key, []).append(card)
    return tuple(tuple(cards) for cards in makers.values())


def _on_cards(
    choice: Weights, family: Group, hardware: Hardware, workload: Workload, model: ModelSpec
) -> Iterator[Candidate]:
    tried = [candidate_of(choice, cards, workload, model) for cards in _sets(family, hardware)]
    one_slot = [with_slots(candidate, 1) for candidate in tried]
    fitting = [c for c, small in zip(tried, one_slot, strict=True) if _fits(small, hardware, model)]
    if not fitting:
        small = replace(one_slot[-1], kv_cache_dtype="q8_0")
        if all(flash_attention(card) for card in family) and _fits(small, hardware, model):
            yield small
        yield offloaded(one_slot[-1], hardware, model)
        return
    for candidate in dict.fromkeys([fitting[0], fitting[-1]]):
        yield candidate
        cards = [card for card in hardware.accelerators if card.index in candidate.gpu_indices]
        if not _fits(candidate, hardware, model) and all(flash_attention(card) for card in cards):
            yield replace(candidate, kv_cache_dtype="q8_0")


def _sets(family: Group, hardware: Hardware) -> tuple[Group, ...]:
    """The best single card, then more cards of the same model, then all of the family."""
    same = [group for group in groups(hardware) if group[0] in family]
    single = max((pick(group, 1) for group in same), key=lambda cards: (_room(cards), -cards[0].index))
    home = next(group for group in same if single[0] in group)
    sets = [single, *(pick(home, n) for n in counts(len(home)) if n > 1), family]
    return tuple({indices(cards): cards for cards in sets}.values())


def _room(cards: Group) -> float:
    """Free memory first, then bandwidth: the card Ollama itself would take."""
    card = cards[0]
    return (card.unheld_bytes >> 30) + (card.bandwidth_bytes_per_s or 0.0) / 1e15


def candidate_of(choice: Weights, cards: Group, workload: Workload, model: ModelSpec) -> Candidate:
    """These weights on these cards, or on the CPU where there are none, with a slot for everybody."""
    most = min(workload.concurrency or workload.users, MOST_SLOTS)
    slots = 1 if single_slot(model) or workload.pooled else max(1, most)
    plain = Candidate(
        engine="ollama",
        model_ref=choice.ref,
        weights_format=choice.format,
        kv_cache_dtype="f16",
        device="gpu" if cards else "cpu",
        gpu_indices=indices(cards),
        context_tokens=workload.context_tokens,
        max_in_flight=1,
        max_batched_tokens=512,
    )
    return with_slots(plain, slots)


def _cpu_alone(hardware: Hardware, workload: Workload) -> bool:
    """Where no card can be used, or where running on the CPU is allowed."""
    limits = engine_limits("ollama")
    return workload.allow_offload or not any(usable(card, limits) for card in hardware.accelerators)


def _fits(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    return memory(candidate, hardware, model).fits
