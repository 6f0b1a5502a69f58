"""What can be changed at the machine in front of us, at no cost: held memory, an old driver, a limit of the system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.catalog import constants, engine_limits
from advisor.catalog.memory_limit import memory_limit
from advisor.catalog.vendors import vendor_of
from advisor.propose import engines_for
from advisor.rules import rules
from advisor.schema import Accelerator, GpuProcess, Hardware, Question
from advisor.search.step import Step, is_yes, on
from advisor.units import gib, version_tuple


def free_steps(question: Question) -> Iterator[Step]:
    """The changes after which it is a yes."""
    yield from (step for step in possible(question) if is_yes(step.question))


def possible(question: Question) -> Iterator[Step]:
    """Every such change that this machine leaves open, whether it is enough or not."""
    for search in (_held_memory, _old_driver, _raised_limit):
        yield from search(question)


def _held_memory(question: Question) -> Iterator[Step]:
    """Memory that other programs hold on the cards."""
    hardware = question.hardware
    least = rules()["FIT109"].threshold["min_held_bytes"]
    held = [card for card in hardware.accelerators if card.memory_bytes - card.unheld_bytes >= least]
    if not held:
        return
    cards = tuple(_freed(card, hardware) if card in held else card for card in hardware.accelerators)
    total = sum(card.memory_bytes - card.unheld_bytes for card in held)
    where = f"on GPU {', '.join(str(card.index) for card in held)}"
    change = f"free the {gib(total)} that are held {where}: {_who(held, hardware)}"
    yield Step(change=change, question=on(question, replace(hardware, accelerators=cards, running=())))


def _freed(card: Accelerator, hardware: Hardware) -> Accelerator:
    """The card with what is left when nobody uses it: Windows keeps some of it for itself."""
    keeps = constants("memory")["windows_keeps_share"] if hardware.wsl or hardware.os == "windows" else 0.0
    return replace(card, free_bytes=max(card.unheld_bytes, int(card.memory_bytes * (1 - keeps))), processes=())


def _who(held: list[Accelerator], hardware: Hardware) -> str:
    """Which program to end, and how."""
    known = [process for card in held for process in card.processes or () if process.used_bytes]
    if known:
        return "end " + ", ".join(_process(process) for process in known[:3])
    if hardware.wsl:
        return (
            "`wsl --shutdown` in Windows ends what other WSL sessions left there; close what uses the GPU in Windows "
            "(Task Manager, Details, GPU memory)"
        )
    command = vendor_of(held[0]).who_holds
    return f"`{command}` names who holds it; end that" if command else "end what holds it"


def _process(process: GpuProcess) -> str:
    return f"{process.name or 'the process'} (`kill {process.pid}`, {gib(process.used_bytes or 0)})"


def _old_driver(question: Question) -> Iterator[Step]:
    """A driver that is older than a pinned build needs: the lowest one that is enough first."""
    hardware = question.hardware
    if hardware.nvidia_driver is None:
        return
    wanted = {
        driver
        for name in engines_for(question.workload)
        for driver in (engine_limits(name).min_nvidia_driver, *engine_limits(name).older_capability_drivers.values())
        if driver and version_tuple(driver) > version_tuple(hardware.nvidia_driver)
    }
    for driver in sorted(wanted, key=version_tuple):
        place = " in Windows" if hardware.wsl else ""
        maker = next((vendor_of(card).title for card in hardware.accelerators), "GPU")
        newer = on(question, replace(hardware, nvidia_driver=driver))
        yield Step(
            change=f"update the {maker} driver{place} to {driver} or newer (now {hardware.nvidia_driver})",
            question=newer,
        )
        if is_yes(newer):
            return


def _raised_limit(question: Question) -> Iterator[Step]:
    """What the system lets a GPU without memory of its own use of the machine's."""
    limit = memory_limit(question.hardware)
    if limit is None or not limit.can_be_raised:
        return
    cards = tuple(
        replace(card, memory_bytes=limit.raised_bytes, free_bytes=None) if card.unified_memory else card
        for card in question.hardware.accelerators
    )
    yield Step(change=limit.remedy, question=on(question, replace(question.hardware, accelerators=cards)))
