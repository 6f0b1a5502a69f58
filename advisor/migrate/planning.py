"""A plan of the other engine for each model: beside what serves now if both fit, each with a place of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from advisor.engines.naming import slug
from advisor.engines.own import with_own_memory
from advisor.migrate.asking import given_back, nearest, on_cards, overrides, without
from advisor.migrate.carried import Carried, carried_to_ollama, carried_to_vllm
from advisor.migrate.clients import for_clients
from advisor.migrate.found import FoundModel
from advisor.migrate.mapping import Mapped
from advisor.migrate.moved import Moved, Wish
from advisor.migrate.room import Room, Want, need_of, rooms, slices
from advisor.migrate.together import judged_together
from advisor.schema import Plan

_TAKEN = (8080, 9180)  # the gateway's own


def planned(
    models: Sequence[Mapped], wish: Wish, progress: Callable[[str], None] = lambda _: None
) -> tuple[Moved, ...]:
    """Every model with its plan, in the order in which they came.

    Raises:
        BadInput: options that contradict each other.
    """
    given = _rooms(models, wish)
    wish = replace(wish, going=tuple(name for name, room in given.items() if not room.refused))
    done: list[Moved] = []
    for mapped in models:
        progress(f"planning {mapped.found.name}")
        folder = _folder(mapped, done)
        port = _port(wish, done)
        done.append(_one(_twice(mapped, done), folder, port, given.get(mapped.found.name, Room()), done, wish))
    return judged_together(done, given)


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


def _rooms(models: Sequence[Mapped], wish: Wish) -> Mapping[str, Room]:
    """What the server of each may take: of several by what each needs alone, and never what the old engine needs on."""
    cards, able = wish.machine.accelerators, [each for each in models if each.model is not None]
    seen = any(server.engine == wish.source for server in wish.machine.running)
    several = [(each, _alone(each, Room(), wish)) for each in able] if cards and len(able) > 1 else []
    going = [each for each, plan in several if plan is not None] if several else able
    staying = wish.staying_bytes + sum(each.found.held_bytes for each in models if each not in going)
    if not several:
        return {each.found.name: Room(reserve_bytes=0 if seen else staying) for each in able}
    wants = [_want(each.found, plan) for each, plan in several if plan is not None]
    spare = int(wish.overrides.get("reserve") or 0)
    found = rooms(wants, cards, staying, spare_bytes=spare, seen=seen)
    own = slices(wants, cards) if not staying and any(room.refused for room in found.values()) else {}
    if own and all(_alone(each, own[each.found.name], wish) for each in going):
        found = own
    return {each.found.name: found.get(each.found.name, Room()) for each in able}


def _alone(mapped: Mapped, room: Room, wish: Wish) -> Plan | None:
    """Its plan where nothing else of the old engine is on the machine."""
    if mapped.model is None:
        return None
    asked = overrides(mapped.model, mapped, _carried(mapped, wish), room.reserve_bytes, wish)
    machine = with_own_memory(wish.source, wish.machine)
    return nearest(mapped, asked, on_cards(machine, room.cards), wish)[0].plan


def _want(found: FoundModel, plan: Plan) -> Want:
    return Want(
        name=found.name, need_bytes=need_of(plan), held_bytes=found.held_bytes, file_bytes=found.file_bytes
    )  # fmt: skip


def _carried(mapped: Mapped, wish: Wish) -> Carried:
    return (carried_to_vllm if wish.target == "vllm" else carried_to_ollama)(mapped)


def _one(mapped: Mapped, folder: str, port: int, room: Room, done: Sequence[Moved], wish: Wish) -> Moved:
    carried = _carried(mapped, wish)
    if mapped.model is None or room.refused:
        return Moved(mapped=mapped, folder=folder, carried=carried, because=room.refused or mapped.because)
    asked = overrides(mapped.model, mapped, carried, room.reserve_bytes, wish)
    machine = without(wish.machine, done)
    answer, because = nearest(mapped, asked, on_cards(machine, room.cards), wish)
    gap = False
    if not answer.verdict.meets_targets and machine.running:
        freed, told = nearest(mapped, asked, on_cards(given_back(machine, wish), room.cards), wish)
        if freed.verdict.meets_targets or (answer.plan is None and freed.plan is not None):
            answer, because, gap = freed, told, True
    moved = Moved(mapped=mapped, folder=folder, carried=carried, answer=answer, because=because, gap=gap)
    if answer.plan is None:
        return replace(moved, because=f"no plan: {answer.verdict.summary}")
    return for_clients(moved, answer.plan, port, wish)
