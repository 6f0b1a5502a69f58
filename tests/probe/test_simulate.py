"""`--gpu TEXT`: a machine by the names of its cards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import gpus
from advisor.errors import BadInput
from advisor.probe.simulate import pcie, simulate
from advisor.schema import Hardware
from advisor.units import GIB
from advisor.wire import from_data, to_data


def test_two_cards_are_two_cards() -> None:
    """Numbered, with the catalogue's figures, on full slots, without peers."""
    hardware = simulate("2x RTX 4090")
    assert [card.index for card in hardware.accelerators] == [0, 1]
    card = hardware.accelerators[0]
    assert (card.catalog_id, card.bandwidth_bytes_per_s) == ("nvidia-rtx-4090", 1008e9)
    assert (card.pcie_generation, card.pcie_width, card.pcie_peer_access) == (4, 16, False)
    assert (card.nvlink_peers, card.nvlink_bytes_per_s) == ((), None)
    assert card.free_bytes is None  # nobody asked a simulated card


def test_what_is_taken_for_granted_is_said() -> None:
    """System, cores, memory, driver and containers stand in `assumed`."""
    text = " ".join(simulate("2x RTX 4090").assumed)
    for word in (
        "Linux x86_64",
        "16 cores",
        "96.0 GiB",
        "580.",
        "container toolkit",
        "Compose",
        "no NVLink bridge",
    ):
        assert word in text


@pytest.mark.parametrize(("text", "gib"), [("GTX 1080", 32), ("RTX 4090", 48), ("8x H100 SXM", 1274)])
def test_memory_is_twice_that_of_the_cards_and_at_least_32_gib(text: str, gib: int) -> None:
    """A machine with large cards has memory to match."""
    assert simulate(text).cpu.memory_bytes / GIB == pytest.approx(gib, abs=1)


def test_cards_on_one_board_are_linked() -> None:
    """SXM cards come with NVLink, and in eights everyone reaches everyone."""
    hardware = simulate("8x H100 SXM")
    assert hardware.accelerators[3].nvlink_peers == (0, 1, 2, 4, 5, 6, 7)
    assert hardware.accelerators[3].nvlink_bytes_per_s == 450e9


@pytest.mark.parametrize("text", ["2x RTX 3090", "2x RTX A6000", "2x H100 PCIe", "2x L40S"])
def test_a_bridge_is_not_assumed(text: str) -> None:
    """Cards that can have a bridge are planned without one."""
    assert simulate(text).accelerators[0].nvlink_peers == ()


def test_mixed_cards_stand_side_by_side() -> None:
    """Each card keeps its own figures."""
    hardware = simulate("2x RTX 3090 + RTX 4090")
    assert [card.catalog_id for card in hardware.accelerators] == ["nvidia-rtx-3090"] * 2 + ["nvidia-rtx-4090"]
    assert [card.index for card in hardware.accelerators] == [0, 1, 2]


def test_a_mac_is_a_mac() -> None:
    """macOS, Arm, unified memory of which the GPU may use three quarters, and no containers."""
    hardware = simulate("Apple M3 Max 64GB")
    (card,) = hardware.accelerators
    assert (hardware.os, hardware.cpu.architecture, hardware.containers.engine) == ("darwin", "aarch64", None)
    assert (card.device_class, card.unified_memory, card.memory_bytes) == ("apple", True, 48 * GIB)
    assert hardware.cpu.memory_bytes == 64 * GIB


@pytest.mark.parametrize(
    ("text", "architecture", "usable_gib"),
    [("Strix Halo 128GB", "x86_64", 96), ("GB10", "aarch64", 119.7)],
)
def test_unified_machines_run_linux(text: str, architecture: str, usable_gib: float) -> None:
    """The GPU's share of memory is that of the catalogue."""
    hardware = simulate(text)
    (card,) = hardware.accelerators
    assert (hardware.os, hardware.cpu.architecture, card.unified_memory) == ("linux", architecture, True)
    assert card.memory_bytes / GIB == pytest.approx(usable_gib, abs=0.1)


@pytest.mark.parametrize("text", ["2x GB10", "Apple M3 Max 64GB + RTX 4090"])
def test_a_chip_with_unified_memory_is_alone(text: str) -> None:
    """Two such chips are two machines."""
    with pytest.raises(BadInput, match="alone in its machine"):
        simulate(text)


@pytest.mark.parametrize("text", ["cpu", "CPU", "none", " no  gpu "])
def test_a_machine_without_a_gpu_can_be_asked_for(text: str) -> None:
    """Sixteen cores with AVX2 and 64 GiB."""
    hardware = simulate(text)
    assert hardware.accelerators == ()
    assert (hardware.cpu.cores, hardware.cpu.instruction_sets, hardware.cpu.memory_bytes) == (
        16,
        ("avx2",),
        64 * GIB,
    )
    assert hardware.cpu.bandwidth_bytes_per_s == 76.8e9
    assert hardware.nvidia_driver is None


def test_drivers_are_those_of_the_vendor() -> None:
    """ROCm for AMD, CUDA for NVIDIA, neither for Intel."""
    assert simulate("MI300X").rocm_version
    assert simulate("MI300X").nvidia_driver is None
    assert simulate("L4").cuda_version == "13.0"
    assert simulate("Arc B580").containers.nvidia_toolkit_version is None


def test_an_unknown_card_is_bad_input() -> None:
    """The catalogue's helpful message comes through."""
    with pytest.raises(BadInput, match="RTX 4090"):
        simulate("2x RTX 4091")


@given(st.sampled_from([spec for spec in gpus() if spec.memory_bytes and "," not in spec.name]))
def test_every_card_of_the_catalogue_makes_a_machine(spec: object) -> None:
    """By its full name each card gives a machine that survives the strict door, or asks for a size."""
    name = spec.name  # type: ignore[attr-defined]
    try:
        hardware = simulate(name)
    except BadInput as error:
        assert "GB?" in str(error) or "name one of them" in str(error) or "can be" in str(error)
        return
    assert from_data(Hardware, to_data(hardware), where="simulated") == hardware
    assert hardware.source == "simulated"
    assert hardware.accelerators[0].memory_bytes > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none; PCIe 4.0 x8", (4, 8)),
        ("NVLink 4, 900 GB/s; PCIe 5.0 x16", (5, 16)),
        ("none (unified memory)", (None, None)),
    ],
)
def test_slots_are_read_from_the_catalogues_words(text: str, expected: tuple[int | None, int | None]) -> None:
    """Generation and lanes stand in the interconnect column."""
    assert pcie(text) == expected


@pytest.mark.parametrize("text", ["2x RTX 3090 at 220 W", "2x RTX 3090 @220W"])
def test_a_power_limit_can_be_named(text: str) -> None:
    """Behind the cards stands what each may draw, and the answer says that it was assumed."""
    hardware = simulate(text)
    assert [card.power_share for card in hardware.accelerators] == [pytest.approx(220 / 350)] * 2
    assert "each card may draw 220 W" in hardware.assumed


@pytest.mark.parametrize("text", ["RTX 3090 at 20 W", "RTX 3090 at 400 W", "cpu at 100 W"])
def test_a_limit_that_no_card_takes_is_refused(text: str) -> None:
    """More than the card is sold with, or next to nothing: the error says what is accepted."""
    with pytest.raises(BadInput, match=r"W for each card; accepted is"):
        simulate(text)
