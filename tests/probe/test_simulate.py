"""`--gpu TEXT`: a machine by the names of its cards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import gpus
from advisor.errors import BadInput
from advisor.probe.named import alike
from advisor.probe.simulate import simulate
from advisor.probe.slots import Links, links_in, pcie, words_of
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


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("2x DGX Spark", '--gpu "NVIDIA GB10 (DGX Spark)" --nodes 2'),
        ("2x Strix Halo 128GB", '128GB" --nodes 2'),
        ("2x M3 Ultra 512GB", '--gpu "Apple M3 Ultra 512GB"'),
        ("DGX Spark + RTX 4090", '--gpu "NVIDIA GB10 (DGX Spark)"'),
    ],
)
def test_several_such_chips_are_so_many_machines(text: str, typed: str) -> None:
    """What to type is said: machines in a network where they can work as one, else one of them."""
    with pytest.raises(BadInput) as refused:
        simulate(text)
    assert str(refused.value).splitlines()[-1].endswith(typed)


@pytest.mark.parametrize(
    ("text", "cores"), [("Jetson Nano 4GB", 4), ("Jetson Orin Nano 8GB", 6), ("DGX Spark", 20), ("Radeon 780M 32GB", 8)]
)
def test_a_chip_brings_its_own_cores(text: str, cores: int) -> None:
    """Where the processor is part of it, sixteen are not assumed: what its GPU does not take would look too fast."""
    hardware = simulate(text)
    assert hardware.cpu.cores == cores and f"{cores} cores" in hardware.assumed[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [("16x H100", True), ("16x MI300X", True), ("8x H100", False), ("16x V100 32GB", False), ("12x RTX 3090", False)],
)
def test_more_linked_cards_than_a_board_holds_are_questioned(text: str, told: bool) -> None:
    """Sixteen of them are two machines in a network wherever one can be bought: what to type for those comes first."""
    assert ("--nodes 2" in simulate(text).assumed[0]) is told


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


@pytest.mark.parametrize("text", ["RTX 3090 at 20 W", "RTX 3090 at 600 W", "cpu at 100 W", "Apple M3 Max 64GB at 30 W"])
def test_a_limit_that_no_card_takes_is_refused(text: str) -> None:
    """Far above what is sold, next to nothing, or with no power known: the error says what is accepted."""
    with pytest.raises(BadInput, match=r"W for each card; accepted is"):
        simulate(text)


def test_a_board_that_may_draw_more_is_as_fast_as_the_data_sheet_says() -> None:
    """Makers sell an RTX 3090 of 350 W with 390 W: that is no limit."""
    assert simulate("RTX 3090 at 390 W").accelerators[0].power_share == 1.0


@pytest.mark.parametrize(
    ("text", "peers"),
    [
        ("2x RTX 3090 nvlink", [(1,), (0,)]),
        ("2x RTX 3090 with NVLink bridge at 220 W", [(1,), (0,)]),
        ("4x RTX A6000, NVLink", [(1,), (0,), (3,), (2,)]),
        ("RTX 4090 + 2x RTX 3090 NVLink", [(), (2,), (1,)]),
        ("4x H200 NVL nvlink", [(1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)]),
        ("2x H100 SXM no NVLink", [(), ()]),
    ],
)
def test_a_link_that_is_named_is_there(text: str, peers: list[tuple[int, ...]]) -> None:
    """A bridge joins pairs of like cards (fours of the H200 NVL), and cards of a board can be without."""
    cards = simulate(text).accelerators
    assert [card.nvlink_peers for card in cards] == peers
    assert [bool(card.nvlink_bytes_per_s) for card in cards] == [bool(others) for others in peers]


def test_a_link_that_no_source_knows_is_refused() -> None:
    """An RTX 4090 has no NVLink to name."""
    with pytest.raises(BadInput, match="no NVLink is known"):
        simulate("2x RTX 4090 nvlink")


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("2x RTX 5090", (5, 16, False)),
        ("2x RTX 5090 PCIe 5.0 x8", (5, 8, False)),
        ("4x RTX 3090 PCIe 3.0 x16 P2P", (3, 16, True)),
        ("2x RTX 3090, PCIe 5.0 x16", (4, 16, False)),
        ("2x A100 PCIe 40GB no P2P", (4, 16, False)),
    ],
)
def test_a_slot_that_is_named_is_no_faster_than_the_card(text: str, slot: tuple[int, int, bool]) -> None:
    """Generation and lanes are those that card and slot can both do; peer access can be named, and be without."""
    card = simulate(text).accelerators[0]
    assert (card.pcie_generation, card.pcie_width, card.pcie_peer_access) == slot


SAID = st.sampled_from((None, True, False))


@given(
    st.tuples(SAID, SAID, st.sampled_from(((None, None), (3, 8), (5, 16)))).map(lambda one: Links(*one[:2], *one[2]))
)
def test_words_about_links_are_read_back(links: Links) -> None:
    """What is written of links beside the name of a card says the same when it is read."""
    assert links_in(f"2x RTX 3090 {words_of(links)}") == ("2x RTX 3090", links)


def test_a_named_processor_brings_its_bandwidth() -> None:
    """`CPU: name` is a machine without cards, with the bandwidth of the family where the catalogue has it."""
    assert simulate("CPU: AMD EPYC 9654").cpu.bandwidth_bytes_per_s == pytest.approx(460.8e9)
    assert simulate("CPU: nobody's").cpu.bandwidth_bytes_per_s == simulate("cpu").cpu.bandwidth_bytes_per_s


def test_a_count_beside_the_name_counts_once() -> None:
    """`2x RTX 3090` with a count of 2 is two cards, and with another count a contradiction."""
    assert simulate("RTX 3090", 2).accelerators == simulate("2x RTX 3090").accelerators
    assert simulate("2x RTX 3090", 2).accelerators == simulate("2x RTX 3090").accelerators
    with pytest.raises(BadInput, match="names 2 cards"):
        simulate("2x RTX 3090", 4)


def test_more_of_a_card_are_joined_as_if_they_were_named() -> None:
    """What a search offers as `--gpu "4x ..."` was computed with the links that this name has."""
    for name in ("H100 SXM", "RTX 3090", "MI300X"):
        (card,) = simulate(name).accelerators
        assert alike(card, 4) == simulate(name, 4).accelerators


@pytest.mark.parametrize("name", ["MI250X", "MI250", "Max 1550", "Ascend 910C"])
def test_a_card_of_two_dies_is_planned_as_one_of_them(name: str) -> None:
    """No engine gives one rank the memory of both: half of all figures, a note on what to type, and so two are a card."""
    one, two = simulate(name), simulate(f"2x {name}")
    whole = next(spec for spec in gpus() if spec.id == one.accelerators[0].catalog_id)
    card = one.accelerators[0]
    assert card.memory_bytes * 2 == whole.memory_bytes and len(two.accelerators) == 2
    assert card.bandwidth_bytes_per_s == (whole.bandwidth_bytes_per_s or 0) / 2
    (said,) = simulate(f"{name} {card.memory_bytes // GIB}GB").accelerators
    assert said.memory_bytes == card.memory_bytes
    assert any(f"`2x {whole.id}`" in note for note in one.assumed)
