"""Hardware as people say it, with words around it, with figures in place of a name, or as a product."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import BadInput
from advisor.probe.simulate import simulate
from advisor.schema import Hardware

TABLE = Path(__file__).parent.parent / "data" / "hardware_spellings.csv"
with TABLE.open(encoding="utf-8", newline="") as _stream:
    ROWS = [(row["written"], row["cards"], row["entry"]) for row in csv.DictReader(_stream)]
RESOLVED = [row for row in ROWS if row[2] not in ("asked", "unknown")]


def _entries(hardware: Hardware) -> str:
    names = dict.fromkeys(card.catalog_id or "by its figures" for card in hardware.accelerators)
    return "+".join(names) or "none"


@pytest.mark.parametrize(("written", "cards", "entry"), RESOLVED, ids=[row[0] for row in RESOLVED])
def test_a_spelling_is_its_card(written: str, cards: str, entry: str) -> None:
    """So many of that card, and no other."""
    hardware = simulate(written)
    assert (str(len(hardware.accelerators)), _entries(hardware)) == (cards, entry)


@pytest.mark.parametrize("written", [row[0] for row in ROWS if row[2] == "asked"])
def test_what_is_ambiguous_is_one_question(written: str) -> None:
    """The question holds "which" or "how many GB", and choices."""
    with pytest.raises(BadInput, match=r"which|how many GB") as caught:
        simulate(written)
    assert str(caught.value).count("?") == 1


@pytest.mark.parametrize("written", [row[0] for row in ROWS if row[2] == "unknown"])
def test_what_is_unknown_says_what_is_near_and_how_to_go_on(written: str) -> None:
    """The nearest names, and that figures will do."""
    with pytest.raises(BadInput, match=r"(?s)nearest are .*by its figures"):
        simulate(written)


BEFORE = ["", "my ", "NVIDIA ", "1x ", "a single ", "server with ", "used "]
BEHIND = ["", " VRAM", " + 128GB RAM", ", 64 GB DDR5", " on Ubuntu 24.04", " (Windows 11)", " gaming PC", " graphics card",
          " WSL2", ", Ryzen 9 7950X", " + 2TB NVMe", " with 850W PSU"]  # fmt: skip
PLAIN = ["RTX 4090", "RTX 3060 12GB", "3090", "RTX 4060 Ti 16GB", "L40S", "A100 80GB", "H100 SXM", "RTX A6000", "980 Ti",
         "RTX PRO 6000 Max-Q", "Tesla P40", "RTX 4090 48GB"]  # fmt: skip


@given(st.sampled_from(PLAIN), st.sampled_from(BEFORE), st.sampled_from(BEHIND), st.sampled_from(BEHIND))
@settings(max_examples=120)
def test_words_around_a_name_do_not_change_the_card(plain: str, before: str, behind: str, last: str) -> None:
    """Noise, host memory, system and processor leave card, count and memory as they are."""
    first, second = simulate(plain).accelerators, simulate(before + plain + behind + last).accelerators
    assert [(card.catalog_id, card.memory_bytes) for card in first] == [
        (card.catalog_id, card.memory_bytes) for card in second
    ]


@pytest.mark.parametrize(
    ("written", "note", "gib"),
    [
        ("RTX 4090 48GB", "48 GB in place of 24", 48),
        ("2080 Ti 22G", "22 GB in place of 11", 22),
        ("MI50 32 GB", "32 GB in place of 16", 32),
        ("RTX 3080 20GB", "20 GB in place of 10", 20),
        ("A100 40GB MIG 3g.20gb", "MIG slice 3g.20gb", 20),
        ("NVIDIA A40-12Q", "uncertain", 11.2),
        ("48GB, 1008 GB/s, cc 8.9", "by its figures", 48),
        ("RTX 4090 frobnicated", "'frobnicated' is not known", 24),
    ],
)
def test_what_was_taken_for_granted_is_said(written: str, note: str, gib: float) -> None:
    """Other memory, a slice, figures and unknown words each leave a note, and the memory is what was said."""
    hardware = simulate(written)
    assert note in " ".join(hardware.assumed)
    assert hardware.accelerators[0].memory_bytes / 2**30 == pytest.approx(gib, abs=0.1)


def test_a_slice_has_its_share_of_the_card() -> None:
    """3g.20gb of an A100 is half of its memory and bandwidth, three sevenths of its arithmetic, and has no links."""
    whole, part = simulate("A100 40GB").accelerators[0], simulate("A100 40GB MIG 3g.20gb").accelerators[0]
    assert (part.mig_profile, part.nvlink_peers) == ("3g.20gb", ())
    assert whole.bandwidth_bytes_per_s and part.bandwidth_bytes_per_s
    assert part.bandwidth_bytes_per_s == pytest.approx(whole.bandwidth_bytes_per_s / 2)
    assert part.dense_flops["fp16"] == pytest.approx(whole.dense_flops["fp16"] * 3 / 7)


def test_a_card_that_cannot_be_cut_is_refused() -> None:
    """MIG of a card without it, and more than the card has, are no machines."""
    for written in ("RTX 4090 MIG 1g.5gb", "A100 40GB MIG 7g.80gb"):
        with pytest.raises(BadInput, match="no slice"):
            simulate(written)


@pytest.mark.parametrize(
    ("written", "system", "wsl", "gib", "processor"),
    [
        ("RTX 4090 on Windows 11, 64GB RAM", "windows", False, 64, "assumed"),
        ("2x RTX 4090 WSL2 64GB RAM", "linux", True, 64, "assumed"),
        ("EPYC 7763 512GB RAM", "linux", False, 512, "EPYC 7763"),
        ("CPU only 64GB", "linux", False, 64, "assumed"),
        ("i9-14900K + RTX 4090 + 96GB DDR5", "linux", False, 96, "i9-14900K"),
        ("p4d.24xlarge", "linux", False, 1152, "assumed"),
        ("RTX 3090 24GB RAM", "linux", False, 48, "assumed"),
        ("M3 Max 64GB RAM", "darwin", False, 64, "Apple M3 Max"),
    ],
)
def test_the_host_is_what_was_said(written: str, system: str, wsl: bool, gib: float, processor: str) -> None:
    """System, memory and processor beside the cards are the machine's; RAM right behind a card's own size is the card's."""
    hardware = simulate(written)
    assert (hardware.os, hardware.wsl, hardware.cpu.memory_bytes / 2**30) == (system, wsl, gib)
    assert hardware.cpu.model.startswith(processor)


@pytest.mark.parametrize(
    ("written", "note", "threads", "gib"),
    [
        ("n1-standard-8 + T4", "n1-standard-8: 8 threads", 8, 30),
        ("gpu_1x_a10", "NVIDIA A10", 30, 200),
        ("Standard_NV12ads_A10_v5", "vGPU of 8 GB", 12, 110),
        ("UM790 Pro 64GB", "Radeon 780M", 16, 64),
    ],
)
def test_a_product_brings_its_host(written: str, note: str, threads: int, gib: int) -> None:
    """An instance has its processors and memory, a part of a card is one, and a mini PC has its chip's graphics."""
    hardware = simulate(written)
    assert note in " ".join(hardware.assumed)
    assert (hardware.cpu.threads, hardware.cpu.memory_bytes / 2**30) == (threads, gib)


@pytest.mark.parametrize(("written", "gib"), [("EPYC 7763", 256), ("i9-14900K", 64), ("Ryzen 9 7950X", 64)])
def test_a_processor_alone_has_the_memory_of_its_kind(written: str, gib: int) -> None:
    """A server's processor is not taken for a desk's, nor the other way round."""
    assert simulate(written).cpu.memory_bytes / 2**30 == gib


@pytest.mark.parametrize("written", ["Radeon 890M iGPU 32GB", "iGPU (Radeon 890M) 32GB", "AMD Radeon 890M 32GB igpu"])
def test_graphics_in_the_processor_may_be_called_so(written: str) -> None:
    """What a card is built into says nothing about which one it is."""
    assert _entries(simulate(written)) == _entries(simulate("Radeon 890M 32GB"))


@pytest.mark.parametrize(
    ("written", "cores", "gib"),
    [
        ("i7-13700K 16GB", 16, 16),
        ("Threadripper PRO 7995WX 512GB", 16, 512),
        ("CPU: Xeon 6980P 768GB", 16, 768),
        ("EPYC 7763 64 cores 512GB RAM", 64, 512),
        ("EPYC 9654, 96 cores, 768GB", 96, 768),
        ("EPYC 7763 64-core, 256 GB", 64, 256),
        ("CPU only 64GB 32 cores", 32, 64),
        ("cpu, 8 cores, 32GB RAM", 8, 32),
        ("laptop without a GPU, 16GB", 16, 16),
        ("2x Xeon Gold 6248R 384GB", 32, 384),
        ("dual EPYC 9654 96 cores 1.5TB", 192, 1536),
    ],
)
def test_a_machine_without_cards_is_what_was_said(written: str, cores: int, gib: int) -> None:
    """Its memory, whether or not it is called RAM, its cores, and of two sockets both."""
    hardware = simulate(written)
    assert hardware.accelerators == ()
    assert (hardware.cpu.cores, hardware.cpu.memory_bytes / 2**30) == (cores, gib)
    assert f"{cores} cores" in hardware.assumed[0]


def test_two_sockets_read_twice_as_fast() -> None:
    """As a probe of such a machine counts them."""
    one, two = simulate("EPYC 9654").cpu, simulate("2x EPYC 9654").cpu
    assert one.bandwidth_bytes_per_s and two.bandwidth_bytes_per_s == pytest.approx(2 * one.bandwidth_bytes_per_s)


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("ND96amsr_A100_v4", "Standard_ND96amsr_A100_v4"),
        ("nc4as_t4_v3", "Standard_NC4as_T4_v3"),
        ("ml.g5.2xlarge", "g5.2xlarge"),
        ("ml.p4d.24xlarge", "p4d.24xlarge"),
    ],
)
def test_an_instance_may_be_called_shorter_or_by_its_service(written: str, whole: str) -> None:
    """Without its tier, or as SageMaker names it, it is the same machine."""
    assert simulate(written).accelerators == simulate(whole).accelerators
    assert simulate(written).cpu == simulate(whole).cpu


def test_the_cores_of_an_instance_are_those_of_its_threads() -> None:
    """Four threads are two cores, and what is assumed says so."""
    small = simulate("g5.xlarge")
    assert (small.cpu.cores, small.cpu.threads) == (2, 4) and "2 cores" in small.assumed[0]
