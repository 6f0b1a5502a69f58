"""What a running server holds of memory is its own when that server is the one that will serve the plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.schema import Accelerator, Hardware, RunningEngine, ServedModel, Workload

GO_WITH_ANY = {"auto", "none", "gateway"}  # parts that start no engine


def with_own_memory(engine: str, hardware: Hardware) -> Hardware:
    """The machine as it is once that engine's server has unloaded what it holds now; asked again, the same."""
    servers = [each for each in hardware.running if each.engine == engine]
    loaded = [model for server in servers for model in server.models if model.loaded_bytes]
    if not loaded:
        return hardware
    on_cards = sum(model.gpu_bytes or 0 for model in loaded)
    on_host = sum(model.loaded_bytes or 0 for model in loaded) - on_cards
    available, most = hardware.cpu.available_bytes, hardware.cpu.memory_bytes
    cpu = hardware.cpu if available is None else replace(hardware.cpu, available_bytes=min(available + on_host, most))
    others = tuple(each for each in hardware.running if each.engine != engine)
    return replace(hardware, cpu=cpu, accelerators=tuple(_freed(hardware, on_cards)), running=others)


def _freed(hardware: Hardware, on_cards: int) -> Iterator[Accelerator]:
    """Cards in their order, each with as much given back as is held there: the fullest first."""
    back, left = {}, on_cards
    for card in sorted(hardware.accelerators, key=lambda card: card.unheld_bytes - card.memory_bytes):
        back[card.index] = min(left, max(card.memory_bytes - card.unheld_bytes, 0))
        left -= back[card.index]
    for card in hardware.accelerators:
        free = card.free_bytes
        yield card if free is None else replace(card, free_bytes=free + back[card.index])


def wants_own_server(workload: Workload) -> bool:
    """Whether a server that runs here is left alone: it was said, or a part was named that starts one."""
    return workload.own_server or bool({name.strip() for name in workload.parts.split(",")} - GO_WITH_ANY)


def beside_own_server(hardware: Hardware, workload: Workload) -> Hardware:
    """The machine where a server of its own is wanted: what the running one holds stays held."""
    if not wants_own_server(workload):
        return hardware
    return replace(hardware, running=tuple(_holding(each) for each in hardware.running))


def _holding(server: RunningEngine) -> RunningEngine:
    return replace(server, models=tuple(ServedModel(name=model.name) for model in server.models))
