"""NVML: every GPU, its links, its slices, and every way in which the driver may not answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.probe import machine, nvidia
from advisor.probe.nvidia_mig import memory_share
from advisor.schema import Hardware
from advisor.wire import from_json_file
from tests.probe.fake_nvml import FakeNvml
from tests.probe.recorded_machines import FIXTURES, host_of, recording

CARD = {
    "name": "NVIDIA GeForce RTX 4090",
    "memory_mib": [24564, 24209],
    "capability": [8, 9],
    "cuda_cores": 16384,
}


def fixture(name: str) -> Hardware:
    """A recorded machine."""
    return from_json_file(Hardware, FIXTURES / f"{name}.json")


def read(nvml: dict[str, Any], root: Path, files: dict[str, str] | None = None) -> tuple[Any, dict[str, str]]:
    """The reading and its reasons for one scripted driver."""
    recorded = {**recording("rtx-4090"), "nvml": {"driver": "580.95.05", "cuda": 13000, **nvml}}
    recorded["files"] = {**recorded["files"], **(files or {})}
    unknown: dict[str, str] = {}
    return nvidia.read(host_of(recorded, root), None, unknown), unknown


def test_every_function_that_is_asked_exists_in_pynvml() -> None:
    """The stand-in has no function that the real library lacks."""
    pynvml = pytest.importorskip("pynvml")
    names = [name for name in vars(FakeNvml) if name.startswith("nvml")]
    assert len(names) > 20
    assert [name for name in names if not hasattr(pynvml, name)] == []
    assert issubclass(pynvml.NVMLLibraryMismatchError, Exception)


def test_driver_and_cuda_version_are_read() -> None:
    """13000 is CUDA 13.0."""
    assert fixture("rtx-4090").nvidia_driver == "580.95.05"
    assert fixture("rtx-4090").cuda_version == "13.0"


def test_a_bridge_makes_two_cards_peers() -> None:
    """Four links of 14.062 GB/s are 56.2 GB/s each way, and peer access over PCIe stays refused."""
    cards = fixture("rtx-3090-pair-nvlink").accelerators
    assert [card.nvlink_peers for card in cards] == [(1,), (0,)]
    assert cards[0].nvlink_bytes_per_s == pytest.approx(56.25e9, rel=1e-3)
    assert cards[0].pcie_peer_access is False


def test_without_a_bridge_there_are_no_peers() -> None:
    """The catalogue knows that a 3090 can have a bridge; this pair has none."""
    cards = fixture("rtx-3090-pair-pcie").accelerators
    assert [card.nvlink_peers for card in cards] == [(), ()]
    assert cards[0].nvlink_bytes_per_s is None


def test_line_code_does_not_make_a_link_faster_than_its_data_sheet() -> None:
    """Eighteen links at 26.562 GB/s are 478 GB/s on the wire, 450 GB/s of data."""
    assert fixture("h100-x8").accelerators[0].nvlink_bytes_per_s == 450e9


def test_fewer_links_than_the_data_sheet_are_slower(tmp_path: Path) -> None:
    """A pair that has lost half of its links is planned with the other half."""
    card = {
        "name": "NVIDIA H100 80GB HBM3",
        "memory_mib": [81559, 81007],
        "capability": [9, 0],
        "cuda_cores": 16896,
    }
    linked = {**card, "nvlink_links": 9, "nvlink_mb_per_s": 26562}
    recorded = {
        **recording("h100-x8"),
        "nvml": {
            "driver": "1",
            "cuda": 13000,
            "p2p": {"nvlink": "all", "pcie": True},
            "devices": [linked] * 2,
        },
    }
    hardware = machine.read(host_of(recorded, tmp_path), None)
    assert hardware.accelerators[0].nvlink_bytes_per_s == 9 * 26562e6


def test_a_driver_that_allows_peers_over_pcie_is_believed(tmp_path: Path) -> None:
    """A patched driver gives consumer cards peer access; the data sheet's no is then wrong."""
    recorded = recording("rtx-4090-pair")
    recorded["nvml"]["p2p"] = {"nvlink": [], "pcie": True}
    hardware = machine.read(host_of(recorded, tmp_path), None)
    assert [card.pcie_peer_access for card in hardware.accelerators] == [True, True]


def test_pcie_is_what_card_and_slot_can_do_and_what_they_do_now() -> None:
    """An idle card in an x8 slot: generation 4, now 1; 8 lanes of 16."""
    card = fixture("rtx-3090-pair-pcie").accelerators[0]
    assert (card.pcie_generation, card.pcie_generation_now) == (4, 1)
    assert (card.pcie_width, card.pcie_width_max) == (8, 16)


def test_a_slice_has_its_share_of_the_card() -> None:
    """3g.40gb of an H100: half of the bandwidth (4 of 8 slices), 60 of 132 multiprocessors, no peers."""
    (part,) = fixture("mig-3g-40gb").accelerators
    (whole, *_) = fixture("h100-x8").accelerators
    assert part.mig_profile == "3g.40gb"
    assert part.memory_bytes == 40448 * 1024**2
    assert part.bandwidth_bytes_per_s == (whole.bandwidth_bytes_per_s or 0) / 2
    assert part.dense_flops["bf16"] == pytest.approx(whole.dense_flops["bf16"] * 60 / 132)
    assert part.nvlink_peers == ()
    assert part.usd_per_hour is None  # a slice's price is not the card's


def test_mig_without_slices_offers_nothing_and_says_so(tmp_path: Path) -> None:
    """A card with MIG on and no slice cannot run anything."""
    card = {**CARD, "name": "NVIDIA H100 80GB HBM3", "mig_mode": 1, "slices": []}
    reading, unknown = read({"devices": [card]}, tmp_path)
    assert reading.cards == ()
    assert "no slice has been created" in unknown["mig.0"]


def test_numbers_stay_unique_when_one_card_is_sliced(tmp_path: Path) -> None:
    """Two slices and two linked whole cards are 0, 1, 2, 3, and the peers are called by those numbers."""
    cut = {
        "name": "NVIDIA H100 80GB HBM3 MIG 3g.40gb",
        "memory_mib": [40448, 40404],
        "multiprocessors": 60,
        "compute_slices": 3,
    }
    whole = {**CARD, "name": "NVIDIA H100 80GB HBM3", "mig_mode": 0}
    sliced = {**whole, "mig_mode": 1, "slices": [cut, cut]}
    p2p = {"nvlink": [[1, 2], [2, 1]], "pcie": True}
    reading, _ = read({"devices": [sliced, whole, whole], "p2p": p2p}, tmp_path)
    assert [card.accelerator.index for card in reading.cards] == [0, 1, 2, 3]
    assert [card.accelerator.nvlink_peers for card in reading.cards] == [(), (), (3,), (2,)]


@given(whole=st.integers(10**9, 10**12), share=st.floats(0.0, 1.0))
def test_a_slice_never_has_more_than_its_card(whole: int, share: float) -> None:
    """The share of the bandwidth lies between one eighth and all of it, in eighths."""
    found = memory_share(int(whole * share), whole)
    assert 1 / 8 <= found <= 1.0
    assert found * 8 == int(found * 8)


@pytest.mark.parametrize(("profile_mib", "eighths"), [(9856, 1), (20096, 2), (40448, 4), (81079, 8)])
def test_the_profiles_of_an_h100_have_their_documented_memory_slices(profile_mib: int, eighths: int) -> None:
    """1g.10gb, 1g.20gb, 3g.40gb and 7g.80gb own 1, 2, 4 and 8 memory slices."""
    assert memory_share(profile_mib, 81559) == eighths / 8


def test_processes_have_a_name_without_path_or_arguments() -> None:
    """What holds memory is named by its program alone, compute and graphics together, each once."""
    processes = fixture("rtx-4090-half-full").accelerators[0].processes
    assert processes is not None
    assert [(process.name, process.used_bytes) for process in processes] == [
        ("Xorg", 609 * 1024**2),
        ("llama-server", 11686 * 1024**2),
    ]


def test_a_process_that_computes_and_draws_counts_once(tmp_path: Path) -> None:
    """NVML lists it twice; the larger figure is kept."""
    card = {**CARD, "compute_processes": [[7, 100]], "graphics_processes": [[7, 300], [8, None]]}
    reading, _ = read({"devices": [card]}, tmp_path)
    processes = reading.cards[0].accelerator.processes
    assert [(process.pid, process.used_bytes) for process in processes] == [(7, 300 * 1024**2), (8, None)]


def test_unified_memory_is_the_machines_own() -> None:
    """NVML reports no memory on a GB10: total and free are the system's, and PCIe is left out."""
    (card,) = fixture("gb10").accelerators
    assert card.unified_memory
    assert card.memory_bytes == 127600748 * 1024
    assert card.free_bytes == 118566368 * 1024
    assert card.pcie_generation is None


def test_an_unknown_card_is_kept_without_its_speed(tmp_path: Path) -> None:
    """A card that is newer than the catalogue can still be listed with its memory."""
    recorded = recording("rtx-4090")
    recorded["nvml"]["devices"] = [{**CARD, "name": "NVIDIA GeForce RTX 9090"}]
    hardware = machine.read(host_of(recorded, tmp_path), None)
    (card,) = hardware.accelerators
    assert (card.catalog_id, card.bandwidth_bytes_per_s) == (None, None)
    assert card.memory_bytes == 24564 * 1024**2
    assert "not in the catalogue" in hardware.unknown["accelerators.0.catalog_id"]


def test_a_driver_that_does_not_match_its_library_is_a_reason(tmp_path: Path) -> None:
    """After an update without a reboot NVML refuses; the probe goes on and says why."""
    reading, unknown = read({"init_error": "Driver/library version mismatch", "devices": []}, tmp_path)
    assert reading.cards == ()
    assert unknown["nvidia_driver"] == "NVML does not answer: Driver/library version mismatch"


def test_a_lost_gpu_does_not_hide_the_others(tmp_path: Path) -> None:
    """The cards that answer are listed, the one that fell off the bus has a reason."""
    reading, unknown = read({"devices": [{**CARD, "lost": True}, CARD]}, tmp_path)
    assert len(reading.cards) == 1
    assert "lost" in unknown["nvidia_gpu.0"]


def test_nvml_is_closed_again(tmp_path: Path) -> None:
    """The driver is let go of, whatever was read."""
    host = host_of(recording("rtx-4090"), tmp_path)
    nvidia.read(host, None, {})
    assert host.nvml.open == 0


def test_a_card_without_a_driver_is_mentioned(tmp_path: Path) -> None:
    """A fitted card under nouveau is not silently a machine without a GPU."""
    recorded = recording("laptop-no-gpu")
    folder = "/sys/bus/pci/devices/0000:01:00.0"
    recorded["files"] |= {
        f"{folder}/vendor": "0x10de\n",
        f"{folder}/class": "0x030000\n",
        f"{folder}/device": "0x2684\n",
    }
    unknown: dict[str, str] = {}
    assert nvidia.read(host_of(recorded, tmp_path), None, unknown).cards == ()
    assert unknown["nvidia_driver"] == "a card (PCI id 10de:2684) is fitted, but no NVIDIA driver is loaded"


@pytest.mark.parametrize(
    ("milliwatts", "share"),
    [([220_000, 350_000], 0.63), ([350_000, 350_000], 1.0), ([390_000, 350_000], 1.0), (None, 1.0)],
)
def test_a_power_limit_is_seen(milliwatts: list[int] | None, share: float, tmp_path: Path) -> None:
    """`nvidia-smi -pl` shows as a share of the card's own power; a card that has more, or does not tell, has all of it."""
    card = CARD | ({"power_mw": milliwatts} if milliwatts else {})
    found, _ = read({"devices": [card]}, tmp_path)
    assert found.cards[0].accelerator.power_share == pytest.approx(share, abs=0.005)


def test_without_a_driver_pynvml_is_not_even_imported() -> None:
    """A machine without a sign of a driver does not pay for the import."""
    code = (
        "import sys; from pathlib import Path; from advisor.probe import host, nvidia; unknown = {};"
        "nvidia.read(host.Host(root=Path('/nowhere')), None, unknown); print('pynvml' in sys.modules, unknown)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "{}"]
