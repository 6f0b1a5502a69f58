"""One replica's processors as the speed model sees them: bandwidth, arithmetic rates, family and links."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from advisor.catalog.vendors import vendor_of
from advisor.schema import Accelerator, Candidate, Cpu, Hardware

HOST_PCIE_BYTES_PER_S = {3: 12e9, 4: 22e9, 5: 40e9}  # x16, one direction, through host memory: effective, derived
# One core: fp32 with fused multiply-add, and 16 bit where there are instructions for it. Derived from vector width and
# usual clocks; measured products of small models reach 0.3 to 1.0 of it (tests/benchmarks/results-2core-*.md).
CPU_CORE_FLOPS_32 = {"avx512": 150e9, "avx2": 80e9, "neon": 40e9, "": 10e9}
CPU_CORE_FLOPS_16 = {"amx": 800e9, "avx512_bf16": 250e9}
CPU_CORE_BYTES_PER_S = 18e9  # what one core can draw
ALONE = 1.5  # what fewer threads draw each, to one of all of them that share the memory (seen with one of two)
CPU_CHANNEL_BYTES_PER_S = 25e9  # one DDR channel, between DDR4-3200 and DDR5-4800
CORES_PER_CHANNEL = 8  # of a server; a desktop has two channels


class Device(NamedTuple):
    """What one card (or the CPU) of a replica can do, and how the cards are joined."""

    family: str
    device_class: str
    bandwidth: float  # bytes/s of one card
    flops_16: float  # dense matrix FLOP/s at 16 bit with fp32 accumulation
    flops_8: float  # fp8; equal to flops_16 where the card has no fp8 units
    flops_int8: float
    flops_4: float
    flops_32: float
    memory_bytes: float
    cards: int  # of one replica
    link: str  # "none" (one card), "nvlink", "peer" (PCIe with peer access), "host" (PCIe through the CPU)
    link_bytes_per_s: float
    assumed: bool  # bandwidth or FLOPs were estimated, not read
    power_share: float = 1.0  # of the power that a card could draw


def device_of(candidate: Candidate, hardware: Hardware) -> Device | None:
    """The device of one replica on one machine; None where no source gives the card's bandwidth."""
    if candidate.device == "cpu":
        return cpu_device(hardware.cpu)
    cards = [card for card in hardware.accelerators if card.index in candidate.gpu_indices]
    return gpu_device(cards[: candidate.local_share(len(cards))])


def gpu_device(cards: list[Accelerator]) -> Device | None:
    """The slowest figures of the cards, and the worst link between them."""
    if not cards or any(not card.bandwidth_bytes_per_s for card in cards):
        return None
    slowest = min(cards, key=lambda card: card.bandwidth_bytes_per_s or 0.0)
    rates = [arithmetic(card) for card in cards]
    link, link_rate = join(cards)
    return Device(
        family=family(slowest),
        device_class=slowest.device_class,
        bandwidth=slowest.bandwidth_bytes_per_s or 0.0,
        flops_16=min(rate[0] for rate in rates),
        flops_8=min(rate[1] for rate in rates),
        flops_int8=min(rate[2] for rate in rates),
        flops_4=min(rate[3] for rate in rates),
        flops_32=min(rate[4] for rate in rates),
        memory_bytes=min(card.memory_bytes for card in cards),
        cards=len(cards),
        link=link,
        link_bytes_per_s=link_rate,
        assumed=any(not has_rate(card) for card in cards),
        power_share=min(card.power_share for card in cards),
    )


def with_power_limit(hardware: Hardware, watts: float) -> Hardware:
    """The machine with every card held to that many watts, as far as it is sold with more."""
    shares = [min(watts / card.tdp_watts, 1.0) if card.tdp_watts else 1.0 for card in hardware.accelerators]
    cards = zip(hardware.accelerators, shares, strict=True)
    return replace(hardware, accelerators=tuple(replace(card, power_share=share) for card, share in cards))


def family(card: Accelerator) -> str:
    """The calibration family of a card."""
    rule = vendor_of(card).families
    if rule.unified and card.unified_memory and card.device_class != "datacenter":
        return rule.unified
    capability = card.compute_capability or ""
    exact = rule.capabilities.get(capability) or rule.capabilities.get(capability.partition(".")[0])
    words = (name for word, name in rule.architectures.items() if word in (card.architecture or ""))
    return exact or next(words, rule.otherwise)


def has_rate(card: Accelerator) -> bool:
    """A source gives the matrix rate of this card."""
    return any(card.dense_flops.get(name) for name in ("bf16", "fp16", "fp32"))


def arithmetic(card: Accelerator) -> tuple[float, float, float, float, float]:
    """FLOP/s at 16 bit, fp8, int8, 4 bit and fp32; what no source gives is filled from the nearest that is known."""
    known, vendor = card.dense_flops, vendor_of(card)
    fp32 = known.get("fp32")
    half = known.get("bf16") or known.get("fp16")
    if not half:
        # No matrix units (Pascal, Apple before M5): fp32 units do the products. Else the usual FLOPs per byte.
        half = fp32 or (card.bandwidth_bytes_per_s or 0.0) * vendor.flops_per_byte
    if not fp32:
        fp32 = half / vendor.half_to_fp32
    eight = known.get("fp8") or half
    int8 = known.get("int8") or half
    return half, eight, int8, known.get("fp4") or eight, fp32


def join(cards: list[Accelerator]) -> tuple[str, float]:
    """How the cards of one replica talk: the kind of link, and bytes/s one way."""
    if len(cards) < 2:
        return "none", 0.0
    peers = {card.index for card in cards}
    if all(card.nvlink_bytes_per_s and peers - {card.index} <= set(card.nvlink_peers) for card in cards):
        return "nvlink", min(card.nvlink_bytes_per_s or 0.0 for card in cards)
    on_board = [vendor_of(card).board_links.get(family(card), 0.0) for card in cards]
    if all(on_board):
        return "nvlink", min(on_board)
    pcie = min(HOST_PCIE_BYTES_PER_S.get(card.pcie_generation or 4, 22e9) for card in cards)
    width = min((card.pcie_width or 16) for card in cards) / 16
    if all(card.pcie_peer_access for card in cards):
        return "peer", 1.25 * pcie * width
    return "host", pcie * width


def cpu_device(cpu: Cpu) -> Device:
    """The processor as a device; bandwidth and FLOPs are estimated from cores and instructions where unknown."""
    sets = " ".join(cpu.instruction_sets)
    fp32 = cpu.dense_flops.get("fp32") or cpu.cores * next(r for name, r in CPU_CORE_FLOPS_32.items() if name in sets)
    units = next((rate for name, rate in CPU_CORE_FLOPS_16.items() if name in sets), 0.0)
    half = cpu.dense_flops.get("bf16") or max(fp32, cpu.cores * units)
    channels = max(2.0, cpu.cores / CORES_PER_CHANNEL)
    estimated = min(cpu.cores * CPU_CORE_BYTES_PER_S, channels * CPU_CHANNEL_BYTES_PER_S)
    return Device(
        family="cpu",
        device_class="other",
        bandwidth=cpu.bandwidth_bytes_per_s or estimated,
        flops_16=half,
        flops_8=half,
        flops_int8=cpu.dense_flops.get("int8") or half,
        flops_4=half,
        flops_32=fp32,
        memory_bytes=float(cpu.memory_bytes),
        cards=1,
        link="none",
        link_bytes_per_s=0.0,
        assumed=not cpu.bandwidth_bytes_per_s,
    )


def with_threads(device: Device, threads: float, cores: float) -> Device:
    """The processor when only some of its cores compute: their part of the arithmetic, and what they can draw."""
    share = min(threads / max(cores, 1.0), 1.0)
    return device._replace(
        bandwidth=min(device.bandwidth, ALONE * share * device.bandwidth),
        flops_16=device.flops_16 * share,
        flops_8=device.flops_8 * share,
        flops_int8=device.flops_int8 * share,
        flops_4=device.flops_4 * share,
        flops_32=device.flops_32 * share,
    )
