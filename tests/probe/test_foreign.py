"""What other programs print of a machine, as `--hardware` reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.errors import BadInput
from advisor.pipeline import find_hardware, recommend
from tests.data import DATA

NVIDIA = """name, memory.total [MiB], driver_version
NVIDIA GeForce RTX 3090, 24576 MiB, 570.95.05
NVIDIA GeForce RTX 3060, 12288 MiB, 570.95.05
"""
ROCM = {
    "card0": {"Card Series": "AMD Radeon RX 7900 XTX", "VRAM Total Memory (B)": "25753026560"},
    "card10": {"Card Series": "AMD Radeon RX 7900 XT", "VRAM Total Memory (B)": "21458059264"},
    "card2": {"Card Series": "AMD Radeon RX 7900 XTX", "VRAM Total Memory (B)": "25753026560"},
    "system": {"Driver version": "6.10.5"},
}
MAC = {
    "SPHardwareDataType": [{"chip_type": "Apple M3 Max", "physical_memory": "36 GB"}],
    "SPDisplaysDataType": [{"sppci_model": "Apple M3 Max", "sppci_cores": "30"}],
}


def _ids(path: Path) -> list[str | None]:
    return [card.catalog_id for card in find_hardware(None, path).accelerators]


def test_nvidia_smi_tells_cards_memory_and_driver(tmp_path: Path) -> None:
    """The driver's memory tells variants of one name apart; without it, of several, the slower."""
    path = tmp_path / "smi.csv"
    path.write_text(NVIDIA, encoding="utf-8")
    hardware = find_hardware(None, path)
    assert [card.catalog_id for card in hardware.accelerators] == ["nvidia-rtx-3090", "nvidia-rtx-3060-12gb"]
    assert (hardware.source, hardware.nvidia_driver, hardware.cuda_version) == ("file", "570.95.05", None)


def test_nvidia_smi_of_powershell_is_read(tmp_path: Path) -> None:
    """A mark at the beginning, ends of lines of Windows and a last empty line do not matter."""
    path = tmp_path / "smi.csv"
    path.write_bytes(b"\xef\xbb\xbf" + NVIDIA.replace("\n", "\r\n").encode() + b"\r\n")
    assert _ids(path) == ["nvidia-rtx-3090", "nvidia-rtx-3060-12gb"]


def test_a_modified_card_has_the_memory_its_driver_tells(tmp_path: Path) -> None:
    """A 48 GB RTX 4090 is an RTX 4090 with 48 GB."""
    path = tmp_path / "smi.csv"
    path.write_text("name, memory.total [MiB]\nNVIDIA GeForce RTX 4090, 49140 MiB\n", encoding="utf-8")
    (card,) = find_hardware(None, path).accelerators
    assert (card.catalog_id, card.memory_bytes >> 20) == ("nvidia-rtx-4090", 49140)


@pytest.mark.parametrize(
    "text",
    [
        "driver_version, memory.used [MiB], memory.total [MiB], index, name\n580.95.05, 4096 MiB, 24576 MiB, 0, Tesla P40\n",
        "name,memory.free,memory.total,driver_version,uuid\nTesla P40,20480,24576,580.95.05,GPU-1\n",
    ],
)
def test_columns_come_in_any_order_with_units_or_without(tmp_path: Path, text: str) -> None:
    """What is free is what was asked for: directly, or as the rest of what is used."""
    path = tmp_path / "smi.csv"
    path.write_text(text, encoding="utf-8")
    (card,) = find_hardware(None, path).accelerators
    assert (card.catalog_id, card.memory_bytes >> 20, card.unheld_bytes >> 20) == ("nvidia-p40", 24576, 20480)


def test_rocm_smi_tells_cards_in_order(tmp_path: Path) -> None:
    """Cards come by their numbers, and what is no card is left out."""
    path = tmp_path / "rocm.json"
    path.write_text(json.dumps(ROCM), encoding="utf-8")
    assert _ids(path) == ["amd-rx-7900-xtx", "amd-rx-7900-xtx", "amd-rx-7900-xt"]


def test_system_profiler_tells_chip_and_memory(tmp_path: Path) -> None:
    """The GPU cores select the bin, and the memory is the machine's."""
    path = tmp_path / "mac.json"
    path.write_text(json.dumps(MAC), encoding="utf-8")
    hardware = find_hardware(None, path)
    assert (hardware.os, hardware.cpu.memory_bytes >> 30) == ("darwin", 36)
    assert hardware.accelerators[0].catalog_id == "apple-m3-max-30c"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name, memory.total [MiB]\n", "cells"),
        ("name, memory.total [MiB]\nNVIDIA GeForce RTX 3090\n", "2 cells"),
        ("name\nNVIDIA GeForce RTX 9999\n", "nearest"),
        ('{"card0": {"GPU use (%)": "0"}}', "without a name"),
        ('{"SPHardwareDataType": [{"chip_type": "", "cpu_type": "Intel"}]}', "chip_type"),
        ("nonsense", "not a recorded machine"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_file(tmp_path: Path, text: str, told: str) -> None:
    """The message names the file and what is wrong."""
    path = tmp_path / "odd.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=rf"(?s)odd\.txt.*{told}"):
        find_hardware(None, path)


def test_a_table_of_a_machine_with_two_cards_gives_a_plan() -> None:
    """What nvidia-smi printed there is enough to plan with."""
    answer = recommend(
        profile=None,
        overrides={"model": "Qwen/Qwen3-8B", "users": 2},
        hardware_file=DATA / "machines" / "nvidia-smi-3090-3060.csv",
        measurements="none",
    )
    assert answer.plan is not None
    assert answer.hardware.nvidia_driver == "580.95.05"
