"""Memory as a bar for each card: what takes how much of it; cards that hold the same are one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from advisor.rules.fit import full_requests
from advisor.schema import Accelerator, Estimate, Hardware, Memory
from advisor.units import GIB, count, gib

_MARKS = {True: "█▓░▒·", False: "#=-x."}  # weights, KV cache, other, held by others, free
_STYLES = ("cyan", "green", "yellow", "magenta", "dim")
_MOST_CELLS, _LEAST_CELLS = 40, 6
_TAIL = 36  # columns behind the bar
_LEAST_SHOWN = 0.05 * GIB
HELD = "held by others"


def memory_bars(estimate: Estimate, hardware: Hardware, width: int, *, unicode: bool) -> Iterator[Text]:
    """A line a group of equal cards and a legend; cards that the plan leaves alone are named."""
    memory, marks = estimate.memory, _MARKS[unicode]
    kinds = groups(estimate, hardware)
    spare = [card.index for card in hardware.accelerators if card.index not in estimate.candidate.gpu_indices]
    names = [name for name, _ in kinds] or ["RAM"]
    names += [named(spare)] if spare else []
    label = max(len(name) for name in names) + 1
    cells = max(min(_MOST_CELLS, width - label - _TAIL), _LEAST_CELLS)
    fullest, rest = split(kinds, memory)
    parts = shares(memory, fullest)
    yield _bar(fullest[0] if fullest else "RAM", label, parts, marks, cells, memory.device_bytes).append(
        f"  {room(estimate)}", style="dim"
    )
    yield from _legend(parts, marks, label, width)
    for name, group in rest:
        yield Text(f"{name:<{label}}{gib(group[0].memory_bytes)}, less full than that", style="dim")
    if spare:
        yield Text(f"{named(spare):<{label}}not needed", style="dim")


def room(estimate: Estimate) -> str:
    """How many of the longest requests fit at once, over all copies."""
    memory, candidate = estimate.memory, estimate.candidate
    if not memory.kv_bytes_per_token:
        return "no KV cache"
    return f"{count(full_requests(estimate))} x {count(candidate.context_tokens)} tokens fit"


def groups(estimate: Estimate, hardware: Hardware) -> list[tuple[str, list[Accelerator]]]:
    """The cards in use by size, with their numbers."""
    sizes: dict[int, list[Accelerator]] = {}
    for card in hardware.accelerators:
        if card.index in estimate.candidate.gpu_indices:
            sizes.setdefault(card.memory_bytes, []).append(card)
    return [(named([card.index for card in group]), group) for group in sizes.values()]


def named(numbers: Sequence[int]) -> str:
    """`GPU 0`, `GPU 0-3`, `GPU 0,2`."""
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"GPU {numbers[0]}-{numbers[-1]}"
    return f"GPU {','.join(map(str, numbers))}"


def split(
    groups: list[tuple[str, list[Accelerator]]], memory: Memory
) -> tuple[tuple[str, list[Accelerator]] | None, list[tuple[str, list[Accelerator]]]]:
    """The group that the figures are of, the fullest, and the others."""
    if not groups:
        return None, []
    fullest = min(groups, key=lambda group: abs(group[1][0].memory_bytes - memory.device_bytes))
    return fullest, [group for group in groups if group is not fullest]


def shares(memory: Memory, fullest: tuple[str, list[Accelerator]] | None) -> list[tuple[str, int]]:
    """What takes the device's memory, in the order of the bar; `fullest` as `split` gives it."""
    card = fullest[1][0] if fullest else None
    held = max(card.memory_bytes - card.unheld_bytes, 0) if card else 0
    other = memory.activation_bytes + memory.overhead_bytes
    free = max(memory.device_bytes - memory.used_bytes - held, 0)
    return [
        ("weights", memory.weights_bytes), ("KV cache", memory.kv_bytes), ("other", other), (HELD, held),
        ("free", free),
    ]  # fmt: skip


def _bar(
    name: str, label: int, parts: Sequence[tuple[str, int]], marks: str, cells: int, total: int
) -> Text:  # fmt: skip
    """Cells in proportion; what is left of rounding is free."""
    line = Text(f"{name:<{label}}")
    used = 0
    for (_, size), mark, style in zip(parts[:-1], marks, _STYLES, strict=False):
        wide = min(max(round(cells * size / total), 1 if size > total / 200 else 0), cells - used)
        line.append(mark * wide, style=style)
        used += wide
    line.append(marks[-1] * (cells - used), style=_STYLES[-1])
    return line.append(f" {gib(total)}")


def _legend(parts: Sequence[tuple[str, int]], marks: str, label: int, width: int) -> Iterator[Text]:
    """What each mark is, in GiB."""
    line = Text(" " * label)
    for (name, size), mark, style in zip(parts, marks, _STYLES, strict=True):
        said = f" {name} {size / GIB:.1f}"
        if size <= _LEAST_SHOWN and name != "free":
            continue
        if line.cell_len + 3 + len(said) > width:
            yield line
            line = Text(" " * label)
        gap = "  " if line.plain.strip() else ""
        line.append(gap).append(mark, style=style).append(said, style="dim")
    yield line
