"""What can be bought: more of the same card, more machines, another card; at last a smaller model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from advisor.catalog import gpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.ranking import ranking
from advisor.catalog.vendors import vendors
from advisor.errors import BadInput
from advisor.models.names import catalogue_model
from advisor.probe.named import alike
from advisor.probe.network import assumed_nodes
from advisor.probe.simulate import simulate
from advisor.schema import MOST_A_HOST, MOST_NODES, Accelerator, Hardware, ModelSpec, Question
from advisor.search.bounds import worth_a_look
from advisor.search.step import Step, asking, is_yes, on
from advisor.verdict import verdict_for

_LARGEST_TRIED = 2
_RENTED_TRIED = 4
_STILL_SOLD = "2020-09"  # RTX 30 and newer


def more_of_the_same(question: Question) -> Iterator[Step]:
    """Twice, four times, ... the first card, until it is a yes."""
    hardware = question.hardware
    if not hardware.accelerators or stays_alone(hardware.accelerators[0]) or hardware.os == "darwin":
        return
    card = hardware.accelerators[0]
    for number in (n for n in (2, 4, MOST_A_HOST) if n > len(hardware.accelerators)):
        grown = on(question, _grown(hardware, card, number))
        if is_yes(grown):
            price = card.usd_per_hour * number * hardware.nodes if card.usd_per_hour else None
            yield Step(change=f'--gpu "{number}x {card.name}"', question=grown, usd_per_hour=price)
            return


def stays_alone(card: Accelerator | GpuSpec) -> bool:
    """Whether no second one goes into its machine: a chip that shares the machine's memory, and that of a laptop."""
    return card.unified_memory or card.device_class == "laptop"


def _grown(hardware: Hardware, card: Accelerator, number: int) -> Hardware:
    """As `--gpu` would name it; of a machine that was looked at, its own host with so many cards."""
    if hardware.source == "simulated" and hardware.nodes == 1:
        try:
            return simulate(f"{number}x {card.name}")
        except BadInput:
            pass  # a card that is known by a figure only
    return replace(hardware, accelerators=alike(card, number), disk_free_bytes=None)


def more_nodes(question: Question) -> Iterator[Step]:
    """Twice, four times the machines, where no more cards go into one."""
    hardware = question.hardware
    cards = hardware.accelerators
    full = len(cards) >= MOST_A_HOST or (len(cards) == 1 and stays_alone(cards[0]))
    if not full or hardware.os != "linux":
        return
    for number in (n for n in (hardware.nodes * 2, hardware.nodes * 4) if n <= MOST_NODES):
        more = assumed_nodes(hardware, number) if hardware.node_link is None else replace(hardware, nodes=number)
        several = on(question, replace(more, disk_free_bytes=None))
        winner = verdict_for(several, depth=False, quick=True).winner if is_yes(several) else None
        if winner is not None:
            used = winner.estimate.candidate.nodes
            price = sum(card.usd_per_hour or 0.0 for card in cards) * used
            fewer = on(question, replace(several.hardware, nodes=used))
            yield Step(change=f"--nodes {used}", question=fewer, usd_per_hour=price or None)
            return


def another_card(question: Question) -> Iterator[Step]:
    """The cheapest single card of the catalogue that is a yes; else the cheapest way with several large ones."""
    owned = {card.catalog_id for card in question.hardware.accelerators}
    others = [spec for spec in offered() if spec.id not in owned]
    large = [spec for spec in others if spec.memory_bytes >= question.model.parameters * 0.5]
    for spec in sorted(large, key=_price):
        alone = on(question, simulate(spec.id))
        if worth_a_look(alone) and is_yes(alone):
            yield _bought(question, spec, 1)
            return
    ways = [(spec, number) for spec in _largest(others) for number in (2, 4, MOST_A_HOST)]
    for spec, number in sorted(ways, key=lambda way: ((way[0].usd_per_hour or math.inf) * way[1], way[1])):
        if _does(on(question, simulate(f"{number}x {spec.id}"))):
            yield _bought(question, spec, number)
            return


def _price(spec: GpuSpec) -> tuple[float, float]:
    """Cards with a launch price first, then those that one rents, then those of which neither is known."""
    return spec.launch_price_usd or math.inf, spec.usd_per_hour or math.inf


def _largest(specs: list[GpuSpec]) -> list[GpuSpec]:
    """Those with the most memory, and of those that are rented too."""
    by_memory = sorted(specs, key=lambda spec: -spec.memory_bytes)
    rented = [spec for spec in by_memory if spec.usd_per_hour and spec.device_class == "datacenter"]
    return list({spec.id: spec for spec in (*rented[:_RENTED_TRIED], *by_memory[:_LARGEST_TRIED])}.values())


def largest(question: Question) -> Iterator[Step]:
    """One and several of the largest cards, whether they are enough or not: what a second change is tried on."""
    found = sorted(offered(), key=lambda spec: -spec.memory_bytes)[:_LARGEST_TRIED]
    yield from (_bought(question, spec, number) for number in (1, MOST_A_HOST) for spec in found)


def _does(question: Question) -> bool:
    """Whether these cards do, looked at so that many can be tried."""
    return worth_a_look(question) and is_yes(question, further=False)


def _bought(question: Question, spec: GpuSpec, number: int) -> Step:
    price = (
        f" (launched at ${spec.launch_price_usd:,.0f}{' each' if number > 1 else ''})" if spec.launch_price_usd else ""
    )
    return Step(
        change=f'--gpu "{f"{number}x " if number > 1 else ""}{spec.name}"{price}',
        question=on(question, simulate(f"{number}x {spec.id}" if number > 1 else spec.id)),
        usd_per_hour=spec.usd_per_hour * number if spec.usd_per_hour else None,
    )


def offered() -> list[GpuSpec]:
    """Cards that one can still buy and that every engine serves."""
    return [
        spec
        for spec in gpus()
        if spec.release >= _STILL_SOLD
        and vendors()[spec.vendor].offered
        and spec.device_class not in ("laptop", "unified")
        and spec.confidence == "high"
    ]


def smaller_model(question: Question) -> Iterator[Step]:
    """The most capable smaller model of the ranking that is a yes on this machine."""
    yield from _ranked(question, lambda other: other.parameters < question.model.parameters)


def another_model(question: Question) -> Iterator[Step]:
    """The most capable model of the ranking that is a yes on this machine, larger ones too."""
    yield from _ranked(question, lambda other: other.hf_id != question.model.hf_id)


def _ranked(question: Question, wanted: Callable[[ModelSpec], bool]) -> Iterator[Step]:
    free = " --revision none" if question.workload.revision else ""  # what was pinned is another repository
    asked = asking(question, revision=None)
    for name in ranking(question.workload.task):
        other = replace(asked, model=catalogue_model(name))
        if wanted(other.model) and _does(other):
            yield Step(change=f"--model {other.model.hf_id}{free}", question=other)
            return
