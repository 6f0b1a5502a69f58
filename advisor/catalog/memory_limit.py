"""Unified memory: which limit holds its GPU back, how sure that is, and what its owner could raise it to."""

from __future__ import annotations

from advisor.catalog.vendors import gpu_shares, vendor_of
from advisor.schema import Accelerator, Hardware, value
from advisor.units import GIB, MIB, gib

_PAGE = 4096
_SAME = 1.01  # a limit this near to another one is that one


@value
class MemoryLimit:
    """What the system lets a GPU use of the machine's memory."""

    name: str  # of the switch: "iogpu.wired_limit_mb"
    now_bytes: int
    least_bytes: int  # what systems were seen to give by themselves: from here
    most_bytes: int  # to here
    raised_bytes: int  # what the switch can give, with enough left for the system
    command: str  # that sets it so
    where: str  # it is typed

    @property
    def uncertain(self) -> bool:
        """Whether the limit is the system's own, which differs between its versions."""
        return self.most_bytes > self.now_bytes * _SAME and self.now_bytes <= self.least_bytes * _SAME

    @property
    def can_be_raised(self) -> bool:
        """Whether the switch gives more than there is now."""
        return self.raised_bytes > self.now_bytes * _SAME

    @property
    def remedy(self) -> str:
        """For a person: what to type, and what it gives."""
        gain = f"from {gib(self.now_bytes)} to {gib(self.raised_bytes)}, for free"
        return f"`{self.command}` {self.where} raises the GPU's limit {gain}"


def memory_limit(hardware: Hardware) -> MemoryLimit | None:
    """The limit of the machine's unified-memory GPU; None where it has none, or where nothing can be switched."""
    card = next((card for card in hardware.accelerators if card.unified_memory), None)
    switch = vendor_of(card).memory_switch if card else None
    if card is None or switch is None or card.compute_capability in switch.but:
        return None
    total = hardware.cpu.memory_bytes
    raised = max(total - round(max(switch.kept_gib, switch.kept_share * total / GIB) * GIB), card.memory_bytes)
    least, most = _seen(card, total)
    command = switch.command.format(mib=raised // MIB, pages=raised // _PAGE)
    return MemoryLimit(
        name=switch.name,
        now_bytes=card.memory_bytes,
        least_bytes=least,
        most_bytes=most,
        raised_bytes=raised,
        command=command,
        where=switch.where,
    )


def _seen(card: Accelerator, total_bytes: int) -> tuple[int, int]:
    shares = gpu_shares(vendor_of(card), total_bytes)
    return (round(shares[0] * total_bytes), round(shares[1] * total_bytes)) if shares else (card.memory_bytes,) * 2
