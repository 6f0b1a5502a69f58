"""Machines as other programs describe them: what `nvidia-smi`, `rocm-smi` and `system_profiler` print, as `Hardware`.

    nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv
    rocm-smi --showproductname --showmeminfo vram --json
    system_profiler -json SPHardwareDataType SPDisplaysDataType

They tell of cards only, so the rest is taken for granted as for `--gpu`, and stands in `assumed`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_names import look_up, match_driver_name
from advisor.edge.reading import OddRow, csv_rows, parse_json, read_text
from advisor.edge.reading import named as named_file
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.probe.named import Named
from advisor.probe.simulate import machine, simulate
from advisor.schema import Accelerator, Hardware
from advisor.units import GIB, MIB

_MOST_CARDS = 64
_CELL = re.compile(r"(\d+(?:\.\d+)?)\s*(\w*)")
_BYTES = re.compile(r"[0-9]{1,18}")
_ROCM_CARD = re.compile(r"card(\d{1,3})")
_ROCM_NAMES = ("Card Series", "Card series", "Card Model", "Card model", "Device Name")
_BEFORE_TEXT = "\ufeff \r\n\t"  # a mark of the encoding and empty lines


class _Card(NamedTuple):
    """One card as the program names it."""

    name: str
    memory_bytes: int | None
    free_bytes: int | None = None


def foreign(path: Path) -> Hardware | None:
    """The machine that the file of another program describes; None where it is none that is known here.

    Raises:
        BadInput: the file cannot be read, or names a card that is not known.
    """
    where, text = named_file(path), read_text(path).lstrip(_BEFORE_TEXT)
    if not text.startswith(("{", "[")):
        return _card_table(text, where) if "name" in _columns(text.partition("\n")[0]) else None
    loaded = parse_json(text, where, once=True)
    if isinstance(loaded, Mapping) and "SPHardwareDataType" in loaded:
        return _system_profiler(loaded, where)
    if isinstance(loaded, Mapping) and any(_ROCM_CARD.fullmatch(key) for key in loaded):
        return _rocm_smi(loaded, where)
    return None


def _columns(line: str) -> list[str]:
    """`"name, memory.total [MiB]"` → name, memory.total."""
    return [cell.partition("[")[0].strip().lower() for cell in line.split(",")]


def _card_table(text: str, where: str) -> Hardware:
    """CSV with the columns that were asked for, a card a line."""
    head, *rows = csv_rows(io.StringIO(text))
    columns = [] if isinstance(head, OddRow) else _columns(",".join(head))
    odd = next((row for row in rows if isinstance(row, OddRow) or len(row) != len(columns)), None)
    if odd is not None or not rows:
        raise BadInput(f"{where}: every line needs {len(columns)} cells, as the first has; saw {shown(odd)}")
    found = [dict(zip(columns, map(str.strip, row), strict=True)) for row in rows if not isinstance(row, OddRow)]
    cards = [_listed(row) for row in found]
    hardware = _machine(cards, where)
    driver = found[0].get("driver_version")
    return replace(hardware, nvidia_driver=driver, cuda_version=None) if driver else hardware


def _listed(row: Mapping[str, str]) -> _Card:
    """One card of the table, with what is free of its memory where that was asked for."""
    total, free, used = (_bytes(row.get(f"memory.{column}", "")) for column in ("total", "free", "used"))
    return _Card(row["name"], total, free if used is None or total is None else total - used)


def _bytes(cell: str) -> int | None:
    """`"24576 MiB"`, and `"24576"` of a file without units."""
    found = _CELL.fullmatch(cell.strip())
    if not found:
        return None
    return round(float(found[1]) * (GIB if found[2].lower().startswith("g") else MIB))


def _rocm_smi(loaded: Mapping[str, Any], where: str) -> Hardware:
    numbers = {int(found[1]): key for key in loaded if (found := _ROCM_CARD.fullmatch(key))}
    parts = [loaded[numbers[number]] for number in sorted(numbers)]
    cards = []
    for part in parts:
        names = [str(part[key]) for key in _ROCM_NAMES if key in part] if isinstance(part, Mapping) else []
        if not names:
            raise BadInput(f"{where}: a card without a name; add --showproductname to rocm-smi")
        size = str(part.get("VRAM Total Memory (B)", ""))
        name = next((name for name in names if match_driver_name(name, None, None)), names[0])
        cards.append(_Card(name, int(size) if _BYTES.fullmatch(size) else None))
    return _machine(cards, where)


def _system_profiler(loaded: Mapping[str, Any], where: str) -> Hardware:
    """The chip with its GPU cores and its memory, in the words that `--gpu` takes."""
    computer, display = (_first(loaded.get(kind)) for kind in ("SPHardwareDataType", "SPDisplaysDataType"))
    chip, memory = str(computer.get("chip_type", "")), str(computer.get("physical_memory", ""))
    if not chip or not _CELL.fullmatch(memory):
        seen = shown(f"{chip}, {memory}")
        raise BadInput(f"{where}: chip_type and physical_memory must name a chip and its memory; saw {seen}")
    cores = str(display.get("sppci_cores", ""))
    said = f"{chip} {cores}-core GPU {memory}" if cores.isdecimal() else f"{chip} {memory}"
    try:
        return replace(simulate(said), source="file")
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _first(entries: object) -> Mapping[str, Any]:
    found = entries[0] if isinstance(entries, list) and entries else {}
    return found if isinstance(found, Mapping) else {}


def _machine(cards: Sequence[_Card], where: str) -> Hardware:
    """The cards in one machine, each with the memory that its driver reports."""
    if not 0 < len(cards) <= _MOST_CARDS:
        raise BadInput(f"{where}: from 1 to {_MOST_CARDS} cards; saw {len(cards)}")
    specs = tuple(_spec(card, where) for card in cards)
    hardware = machine(Named(where, specs, notes=(f"the cards are those of {Path(where).name}",)))
    told = (
        own if own.unified_memory else _as_told(own, card)
        for own, card in zip(hardware.accelerators, cards, strict=True)
    )
    return replace(hardware, accelerators=tuple(told), source="file")


def _as_told(own: Accelerator, card: _Card) -> Accelerator:
    return replace(own, name=card.name, memory_bytes=card.memory_bytes or own.memory_bytes, free_bytes=card.free_bytes)


def _spec(card: _Card, where: str) -> GpuSpec:
    found = match_driver_name(card.name, card.memory_bytes, None)
    if found:
        return found
    try:
        return look_up(card.name, machine_gb=card.memory_bytes and card.memory_bytes / GIB).spec
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
