"""What the speed model makes of links between cards, and of devices that nobody measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.catalog import gpus, models
from advisor.physics.speed.device import arithmetic, cpu_device
from advisor.schema import Candidate, Hardware, Load, Speed
from tests.physics.test_speed_laws import machine, plan, predicted

CARD = next(card for card in gpus() if card.id == "nvidia-rtx-4090")
MODEL = next(model for model in models() if model.hf_id == "Qwen/Qwen2.5-7B-Instruct")
LOAD = Load(in_flight=1.0, input_tokens=2000, output_tokens=200)
ON_CPU = replace(plan("ollama", 2, 1, MODEL, slots=1), device="cpu", gpu_indices=())


def speed_of(candidate: Candidate, hardware: Hardware) -> Speed:
    """One stream of long prompts."""
    found = predicted(candidate, hardware, MODEL, LOAD)
    assert found is not None
    return found


def over_pcie(count: int, **slot: object) -> Speed:
    """So many cards, tensor parallel, without NVLink in slots like this; two activations a layer go over them."""
    bare = machine(CARD, count)
    known = {"nvlink_peers": (), "nvlink_bytes_per_s": None, "pcie_generation": 4, "pcie_width": 16}
    cards = tuple(replace(card, **(known | slot)) for card in bare.accelerators)  # type: ignore[arg-type]
    return speed_of(plan("vllm", 0, count, MODEL, slots=64), replace(bare, accelerators=cards))


def nvlink(count: int) -> Hardware:
    """The same cards with a link from each to each."""
    bare, everybody = machine(CARD, count), range(count)
    cards = [
        replace(card, nvlink_peers=tuple(set(everybody) - {card.index}), nvlink_bytes_per_s=450e9)
        for card in bare.accelerators
    ]
    return replace(bare, accelerators=tuple(cards))


@pytest.mark.parametrize("peer_access", [False, True])
def test_half_the_lanes_take_twice_as_long(peer_access: bool) -> None:
    """What a prompt's activations take over PCIe doubles with x8 instead of x16, and again with x4."""
    wide, half, quarter = (
        over_pcie(2, pcie_peer_access=peer_access, pcie_width=width).ttft_s.expected for width in (16, 8, 4)
    )
    assert half > 1.05 * wide
    assert quarter - half == pytest.approx(2 * (half - wide), rel=0.01)


@pytest.mark.parametrize("peer_access", [False, True])
def test_more_than_two_cards_share_the_way_through_the_host(peer_access: bool) -> None:
    """Of four, each has half the way and one and a half times as much to tell: what lanes cost is three times that."""

    def lost(count: int) -> float:
        wide, half = (over_pcie(count, pcie_peer_access=peer_access, pcie_width=width) for width in (16, 8))
        return half.ttft_s.expected - wide.ttft_s.expected

    assert lost(4) == pytest.approx(3 * lost(2), rel=0.01)


def test_the_narrowest_slot_counts() -> None:
    """One card of two in an x4 slot is as slow as both: the exchange waits for the last."""
    bare = machine(CARD, 2)
    one, other = (replace(card, nvlink_peers=(), nvlink_bytes_per_s=None) for card in bare.accelerators)
    mixed = replace(bare, accelerators=(replace(one, pcie_width=4), replace(other, pcie_width=16)))
    both = replace(bare, accelerators=(replace(one, pcie_width=4), replace(other, pcie_width=4)))
    candidate = plan("vllm", 0, 2, MODEL, slots=64)
    assert speed_of(candidate, mixed).ttft_s == speed_of(candidate, both).ttft_s


def test_what_a_slower_link_costs_a_token_grows_with_the_root_of_the_cards() -> None:
    """Latency of an exchange: four cards lose 1.4 times as much as two by PCIe instead of NVLink, and some by sharing it."""

    def lost(count: int) -> float:
        linked = speed_of(plan("vllm", 0, count, MODEL, slots=64), nvlink(count))
        return over_pcie(count).tpot_s.expected - linked.tpot_s.expected

    assert 1.3 * lost(2) < lost(4) < 1.8 * lost(2)


def wider(assumed: Speed, known: Speed) -> bool:
    """The same expected figures, and at least a tenth further to each end of the range, as the fit promises."""
    names = ("ttft_s", "tpot_s", "ttft_p95_s", "tpot_p95_s")
    pairs = [(getattr(assumed, name), getattr(known, name)) for name in names]
    assert all(one.expected == pytest.approx(other.expected, rel=1e-6) for one, other in pairs)
    return all(1.1 * one.low <= other.low and one.high >= 1.1 * other.high for one, other in pairs)


def test_a_card_whose_arithmetic_is_assumed_has_a_wider_range() -> None:
    """The figures that are filled in may be wrong, so the range says more doubt than about the same figures from a source."""
    bare = machine(CARD, 1)
    unknown = replace(bare.accelerators[0], dense_flops={})
    half, eight, int8, _, fp32 = arithmetic(unknown)
    told = replace(unknown, dense_flops={"fp16": half, "fp8": eight, "int8": int8, "fp32": fp32})
    candidate = plan("vllm", 0, 1, MODEL, slots=64)
    assumed, known = (speed_of(candidate, replace(bare, accelerators=(card,))) for card in (unknown, told))
    assert wider(assumed, known)


def test_a_processor_whose_bandwidth_is_assumed_has_a_wider_range() -> None:
    """A bandwidth from cores and channels is a guess; the same number as a measurement is none."""
    bare = machine(CARD, 1)
    measured = replace(bare.cpu, bandwidth_bytes_per_s=cpu_device(bare.cpu).bandwidth)
    assumed, known = (speed_of(ON_CPU, replace(bare, accelerators=(), cpu=cpu)) for cpu in (bare.cpu, measured))
    assert wider(assumed, known)
