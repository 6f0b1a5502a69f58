"""Cards of several kinds under one model: how they can share it, and how many layers each stage then holds."""

from __future__ import annotations

from dataclasses import replace

from advisor.engines.devices import Group
from advisor.engines.vllm.consumed import Stage, consumed
from advisor.engines.vllm.memory import requested_bytes, tightest_card
from advisor.schema import Candidate, Hardware, ModelSpec

MOST_STAGES = 8  # single cards in a row: more only pass each token on


def sizes(cards: Group, model: ModelSpec) -> list[tuple[int, int]]:
    """(tensor, pipeline) parallel sizes over all of them: every layer cut, a stage a kind, a stage a card."""
    number = len(cards)
    kinds = list(dict.fromkeys(card.name for card in cards))
    each = number // len(kinds)
    in_rows = [card.name for card in cards] == [name for name in kinds for _ in range(each)]
    found = [(number, 1)] if divides(model, number) else []
    if in_rows and each > 1 and divides(model, each):
        found.append((each, len(kinds)))
    if number <= min(MOST_STAGES, model.layers):
        found.append((1, number))
    return found


def divides(model: ModelSpec, tensor: int) -> bool:
    """Whether every layer can be cut into so many equal parts; KV heads that are fewer are held several times."""
    cached = model.kv_heads % tensor == 0 or tensor % max(model.kv_heads, 1) == 0
    return cached and not any(width % tensor for width in (model.heads, model.intermediate, model.expert_intermediate))


def by_room(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
    """The candidate with layers for each stage in proportion to what its cards have left for layers and their cache."""
    number = candidate.pipeline_parallel
    bare = replace(candidate, stage_layers=(1,) * number, max_in_flight=1)  # the same split at every load
    rooms = []
    for stage in range(number):
        none = Stage(stage, 0, 0.0)
        used = consumed(bare, hardware, model, none).total
        rooms.append(max(requested_bytes(bare, tightest_card(bare, hardware, none)) - used, 0.0))
    return replace(candidate, stage_layers=shares(model.layers, rooms))


def shares(layers: int, rooms: list[float]) -> tuple[int, ...]:
    """Whole layers by room, one at least each; what rounding leaves goes where the most was cut off."""
    whole = sum(rooms) or 1.0
    exact = [layers * room / whole for room in rooms]
    found = [max(int(part), 1) for part in exact]
    order = sorted(range(len(rooms)), key=lambda place: found[place] - exact[place])
    for place in (order * layers)[: max(layers - sum(found), 0)]:
        found[place] += 1
    while sum(found) > layers:
        found[found.index(max(found))] -= 1
    return tuple(found)
