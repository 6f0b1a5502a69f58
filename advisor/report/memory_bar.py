"""Memory as a small bar: what takes how much of the budget."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.text import Text

from advisor.schema import Estimate
from advisor.units import count, gib

_WIDTH = 48
_PARTS = (("weights", "#", "cyan"), ("kv", "=", "green"), ("activation", "+", "yellow"), ("overhead", "-", "magenta"))


def memory_bar(estimate: Estimate) -> RenderableType:
    """One line of 48 cells over the device's memory, and a legend in GiB."""
    memory = estimate.memory
    sizes = {
        "weights": memory.weights_bytes,
        "kv": memory.kv_bytes,
        "activation": memory.activation_bytes,
        "overhead": memory.overhead_bytes,
    }
    bar = Text("[")
    used = 0
    for name, mark, style in _PARTS:
        cells = min(round(_WIDTH * sizes[name] / memory.device_bytes), _WIDTH - used)
        bar.append(mark * cells, style=style)
        used += cells
    bar.append("." * (_WIDTH - used) + f"] {gib(memory.device_bytes)}")
    legend = Text()
    for name, mark, style in _PARTS:
        legend.append(f"{mark} {name} {gib(sizes[name])}  ", style=style)
    room = (
        f"KV cache: {count(memory.kv_tokens)} tokens, {_floor(memory.full_sequences)} requests of "
        f"{count(estimate.candidate.context_tokens)} tokens ({memory.kv_bytes_per_token / 1024:,.1f} KiB a token)"
        if memory.kv_bytes_per_token
        else "KV cache: none"
    )
    return Group(bar, legend, Text(f"{room}; budget {gib(memory.budget_bytes)}, basis {memory.basis}", style="dim"))


def _floor(sequences: float) -> str:
    """One decimal, rounded down: 15.96 requests are not 16."""
    return count(math.floor(sequences * 10) / 10) if sequences < 100 else count(math.floor(sequences))
