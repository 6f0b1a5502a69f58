"""A plan of the other engine for each model: beside what serves now if both fit, each with a place of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from advisor.engines.naming import slug
from advisor.engines.own import with_own_memory
from advisor.migrate.asking import nearest, overrides, without
from advisor.migrate.carried import carried_to_ollama, carried_to_vllm
from advisor.migrate.clients import for_clients
from advisor.migrate.mapping import Mapped, bits
from advisor.migrate.moved import Moved, Wish

_TAKEN = (8080, 9180)  # the gateway's own


def planned(
    models: Sequence[Mapped], wish: Wish, progress: Callable[[str], None] = lambda _: None
) -> tuple[Moved, ...]:
    """Every model with its plan, in the order in which they came.

    Raises:
        BadInput: options that contradict each other.
    """
    shares = _shares(models)
    done: list[Moved] = []
    for mapped in models:
        progress(f"planning {mapped.found.name}")
        folder = _folder(mapped, done)
        port = _port(wish, done)
        done.append(_one(_twice(mapped, done), folder, port, shares.get(mapped.found.name, 1.0), done, wish))
    return tuple(done)


def _twice(mapped: Mapped, done: Sequence[Moved]) -> Mapped:
    """The model, with a word where a server of the same weights is planned already."""
    same = [each.name for each in done if each.mapped.model and mapped.model and each.mapped.named == mapped.named]
    if not same:
        return mapped
    doubt = (
        f"the same weights as {same[0]}, in a server of its own for its own parameters: one would do where "
        f"clients send them (leave it out with --only)"
    )
    return replace(mapped, doubts=(*mapped.doubts, doubt))


def _folder(mapped: Mapped, done: Sequence[Moved]) -> str:
    taken, name = {each.folder for each in done}, f"models/{slug(mapped.found.name)}"
    return next(each for each in (name, *(f"{name}-{number}" for number in range(2, 99))) if each not in taken)


def _port(wish: Wish, done: Sequence[Moved]) -> int:
    """The engine's usual port, or the next one that nobody has."""
    taken = {*_TAKEN, *wish.taken, *(each.plan.launch.port for each in done if each.plan)}
    usual = {"vllm": 8000, "ollama": 11434}[wish.target]
    return next(port for port in range(usual, usual + 500) if port not in taken)


def _shares(models: Sequence[Mapped]) -> dict[str, float]:
    """Of several models on the same cards, the part that each may take: by what its weights weigh now."""
    weights = {
        each.found.name: each.model.parameters * (bits(each.format) if each.format else 16.0)
        for each in models
        if each.model is not None
    }
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _one(mapped: Mapped, folder: str, port: int, share: float, done: Sequence[Moved], wish: Wish) -> Moved:
    carry = carried_to_vllm if wish.target == "vllm" else carried_to_ollama
    carried = carry(mapped)
    if mapped.model is None:
        return Moved(mapped=mapped, folder=folder, carried=carried, because=mapped.because)
    asked = overrides(mapped.model, mapped, carried, share, wish)
    machine = without(wish.machine, done)
    answer, because = nearest(mapped, asked, machine, wish)
    gap = False
    if not answer.verdict.meets_targets and machine.running:
        freed, told = nearest(mapped, asked, with_own_memory(wish.source, machine), wish)
        if freed.verdict.meets_targets or (answer.plan is None and freed.plan is not None):
            answer, because, gap = freed, told, True
    moved = Moved(mapped=mapped, folder=folder, carried=carried, answer=answer, because=because, gap=gap)
    if answer.plan is None:
        return replace(moved, because=f"no plan: {answer.verdict.summary}")
    return for_clients(moved, answer.plan, port, wish)
