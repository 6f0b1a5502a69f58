"""What the name of a machine says, as `--gpu` and a row of `predict` give it: its cards, their links, their power."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from advisor.catalog import constants, gpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_counts import Counted, count_in, counted
from advisor.catalog.gpu_generic import Figures, figures_in, generic
from advisor.catalog.gpu_names import look_up
from advisor.catalog.gpu_text import read
from advisor.catalog.products import in_words
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.pattern import Pattern
from advisor.probe.beside import Beside, beside_in, cores_in, said_of, sockets_in
from advisor.probe.slots import UNSTATED, Links, links_in, pcie, peers
from advisor.schema import Accelerator
from advisor.units import GB

MOST_TEXT = 500  # characters that somebody describes a machine in
_CPU_ONLY = Pattern(
    r"(?:(?:a\s+)?(?:laptop|desktop|server|pc|mini[\s-]?pc|vm|machine)\s+)?"
    r"(?:cpu|none|(?:no|without)(?:\s+an?)?\s+(?:dedicated\s+)?(?:gpu|graphics|graphics\s+card))(?:\s+only)?[\s,;:+]*"
    r"(?:(\d+(?:\.\d+)?)\s*(?:gb|gib|g))?[\s,;+]*",
    re.IGNORECASE,
    needs=("cpu", "none", "gpu", "graphics"),
)
_PROCESSOR_FIRST = Pattern(r"cpu(?!\s+only\b)\W+(?=[a-z])", re.IGNORECASE, needs=("cpu",))


class Named(NamedTuple):
    """A machine as somebody names it."""

    text: str
    specs: tuple[GpuSpec, ...] = ()  # one for each card; empty: a machine without any
    processor: str = ""  # by its model line, of a machine without cards
    watts: float | None = None  # that each card may draw; None: as sold
    links: Links = UNSTATED
    beside: Beside = Beside()
    threads: int | None = None  # of an instance's host
    notes: tuple[str, ...] = ()  # what had to be taken for granted of the text
    cores: int | None = None  # of the processor of a machine without cards, in all sockets
    sockets: int = 1


def named(text: str, count: int = 1, watts: float | None = None, *, guess: bool = False) -> Named:
    """Read `2x RTX 4090`, `RTX 3090 + RTX 4090`, `2x RTX 3090 nvlink at 220 W`, `Apple M3 Max 64GB`, `CPU: EPYC 9654`.

    Args:
        text: the cards or the machine, and words on links, power limit, host memory and system.
        count: how often, where the text names one card.
        watts: the power limit of each card, where the text gives none.
        guess: a question (which memory size?) is answered by the largest, in place of an error.

    Raises:
        BadInput: a card is unknown or ambiguous, two counts contradict each other, or the text is too long.
    """
    if len(text) > MOST_TEXT:
        raise BadInput(f"GPU {shown(text)}: is longer than any machine is named in ({MOST_TEXT} characters)")
    model_line = _PROCESSOR_FIRST.match(text.strip())
    if model_line:
        return _processor(text, text.strip()[model_line.end() :], watts)
    product = in_words(text)
    rest, links = links_in(product.text)
    figures = figures_in(rest)
    rest, beside = beside_in(figures.rest.replace(",", " ") if figures else rest)
    beside = beside._replace(watts=beside.watts or watts, host_gb=beside.host_gb or product.host_gib)
    bare = _without_cards(text, rest, beside)
    if bare is not None:
        return bare
    if figures:
        parts = [_by_figures(text, rest, figures, guess=guess)]
    else:
        parts, beside = _parts(rest, beside, guess=guess)
    specs = [part.spec for part in parts for _ in range(part.number)]
    if count not in (1, len(specs)) and len(specs) > 1:
        raise BadInput(f"GPU {text!r} names {len(specs)} cards, and the count beside it is {count}")
    every = tuple(specs if len(specs) > 1 else specs * count)
    notes = (note for part in parts for note in (*part.notes, *_of_dies(part.spec, guess)))
    told = dict.fromkeys((*product.notes, *notes, *said_of(beside)))
    return Named(
        text,
        every if guess else tuple(map(_one_die, every)),
        "",
        beside.watts,
        links,
        beside,
        product.threads,
        tuple(told),
    )


def _without_cards(text: str, rest: str, beside: Beside) -> Named | None:
    """A machine of which only the processor is named, or of which somebody says that it has no card."""
    plain, cores = cores_in(" ".join(rest.split()))
    sockets, plain = sockets_in(plain) if beside.processor else (1, plain)
    only, said = _CPU_ONLY.fullmatch(plain), read(plain)
    gigabytes = beside.host_gb or (float(only[1]) if only and only[1] else None)
    if not only and not (beside.processor and not any(re.search(r"\d", word) for word in said.words)):
        return None
    beside = beside._replace(host_gb=gigabytes or said.size_gb)
    cores = cores and cores * sockets
    return Named(text, processor=beside.processor, watts=beside.watts, beside=beside, cores=cores, sockets=sockets)


def _processor(text: str, model_line: str, watts: float | None) -> Named:
    """A machine that is called by its processor's model line, which is kept as it is."""
    said = beside_in(model_line)[1]
    memory = said.host_gb or read(model_line).size_gb
    return Named(text, processor=model_line, watts=said.watts or watts, beside=Beside(memory, system=said.system))


def _parts(rest: str, beside: Beside, *, guess: bool) -> tuple[list[Counted], Beside]:
    """The cards; memory that is called RAM and stands right behind a card that is sold with it is the card's."""
    if beside.host_gb and not beside.apart and read(rest).size_gb is None:
        with contextlib.suppress(BadInput):
            sized = counted(f"{rest} {beside.host_gb:g}GB", guess=guess)
            if not any(part.notes or part.spec.unified_memory for part in sized):
                return sized, beside._replace(host_gb=None)
    return counted(rest, guess=guess, machine_gb=beside.host_gb), beside


def _by_figures(text: str, rest: str, figures: Figures, *, guess: bool) -> Counted:
    """A card by its figures; where it has a name that is known, that card with the bandwidth that is given."""
    count, name = count_in(rest)
    if any(re.search(r"\d", word) for word in read(name).words):
        with contextlib.suppress(BadInput):
            spec, notes = look_up(name, guess=guess)
            rate = figures.bandwidth_bytes_per_s
            told = (*notes, f"bandwidth {rate / GB:g} GB/s, as given")
            return Counted(count, replace(spec, bandwidth_bytes_per_s=rate), told)
    return Counted(count, *generic(text, figures))


def dies_of(spec: GpuSpec) -> int:
    """GPUs that a driver lists for one such card, whose figures in the catalogue are those of the whole card."""
    return int(constants("devices")["dies"].get(spec.id, 1))


def _one_die(spec: GpuSpec) -> GpuSpec:
    """One of the GPUs that a driver lists for the card; its bandwidth and FLOPs are parted by `accelerator`."""
    if not _is_whole(spec):
        return spec
    dies = dies_of(spec)
    watts, price = (figure and figure / dies for figure in (spec.tdp_watts, spec.usd_per_hour))
    return replace(spec, memory_bytes=spec.memory_bytes // dies, tdp_watts=watts, usd_per_hour=price)


def _is_whole(spec: GpuSpec) -> bool:
    """A card of several dies, with the memory of all: who says the size of one (`"MI250 64GB"`) means one."""
    return dies_of(spec) > 1 and any(spec.memory_bytes == known.memory_bytes for known in gpus() if known.id == spec.id)


def _of_dies(spec: GpuSpec, guess: bool) -> tuple[str, ...]:
    """What is taken for granted of a card of several dies; rows of others count whole cards."""
    dies = dies_of(spec)
    if dies > 1 and guess:
        return (f"{spec.name} is {dies} GPUs to its driver: bandwidth and FLOPs of one of them, memory of all",)
    if not _is_whole(spec):
        return ()
    whole = f"a whole card is `{dies}x {spec.id}`"
    return (f"{spec.name} is {dies} GPUs to its driver, and one of them is planned: {whole}",)


def accelerator(spec: GpuSpec, index: int, linked: Sequence[int], links: Links = UNSTATED) -> Accelerator:
    """A card of the catalogue, joined by NVLink or Infinity Fabric to the cards of those numbers.

    Of unified memory it has the share that its GPU may use. A slot that is said to be slower slows the card. Of several
    dies, one works on a layer at a time: the card is as fast as that one.
    """
    share = spec.gpu_memory_fraction if spec.unified_memory and spec.gpu_memory_fraction else 1.0
    dies = dies_of(spec)
    generation, width = pcie(spec.interconnect)
    return Accelerator(
        index=index,
        name=spec.name,
        vendor=spec.vendor,
        device_class=spec.device_class,
        memory_bytes=int(spec.memory_bytes * share),
        catalog_id=spec.id or None,
        architecture=spec.architecture,
        compute_capability=spec.compute_capability,
        bandwidth_bytes_per_s=spec.bandwidth_bytes_per_s and spec.bandwidth_bytes_per_s / dies,
        dense_flops={dtype: rate / dies for dtype, rate in spec.dense_flops.items()},
        unified_memory=spec.unified_memory,
        pcie_generation=_slower(generation, links.generation),
        pcie_width=_slower(width, links.width),
        pcie_width_max=width,
        pcie_peer_access=spec.pcie_peer_access if links.peer_access is None else links.peer_access,
        nvlink_peers=tuple(linked),
        nvlink_bytes_per_s=spec.nvlink_bytes_per_s if linked else None,
        tdp_watts=spec.tdp_watts,
        usd_per_hour=spec.usd_per_hour,
    )


def alike(card: Accelerator, count: int) -> tuple[Accelerator, ...]:
    """So many of a card that is there, joined as `named` cards of its kind are: as their board brings it."""
    spec = next((spec for spec in gpus() if spec.id == card.catalog_id), None)
    joined = peers([spec] * count, None) if spec else [()] * count
    rate = spec.nvlink_bytes_per_s if spec else None
    return tuple(
        replace(card, index=number, nvlink_peers=linked, nvlink_bytes_per_s=rate if linked else None)
        for number, linked in enumerate(joined)
    )


def _slower(card: int | None, slot: int | None) -> int | None:
    """What card and slot can both do; None where neither is known."""
    return min((known for known in (card, slot) if known is not None), default=None)
