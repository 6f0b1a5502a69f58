"""Apple silicon by the text of three programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.probe import apple, machine
from advisor.schema import Hardware
from advisor.units import GIB
from advisor.wire import from_json_file
from tests.probe.recorded_machines import FIXTURES, host_of, recording

DISPLAYS = "system_profiler -json SPDisplaysDataType"


def read(root: Path, **commands: Any) -> Hardware:
    """The M3 Max recording with some programs answering otherwise; None: the program is not there."""
    recorded = recording("apple-m3-max-64gb")
    for start, answer in commands.items():
        name = next(name for name in recorded["commands"] if name.startswith(start))
        recorded["commands"][name] = answer
    return machine.read(host_of(recorded, root), None)


def test_chip_cores_and_memory_make_the_entry() -> None:
    """40 GPU cores select the 400 GB/s bin of the M3 Max; the GPU gets three quarters of 64 GiB."""
    hardware = from_json_file(Hardware, FIXTURES / "apple-m3-max-64gb.json")
    (card,) = hardware.accelerators
    assert (card.catalog_id, card.bandwidth_bytes_per_s) == ("apple-m3-max-40c", 400e9)
    assert card.memory_bytes == 48 * GIB
    assert card.device_class == "apple"
    assert (hardware.os, hardware.cpu.architecture, hardware.cpu.cores) == ("darwin", "aarch64", 16)
    assert hardware.cpu.memory_bytes == 64 * GIB


def test_thirty_cores_are_the_slower_bin(tmp_path: Path) -> None:
    """The name alone does not tell the two M3 Max apart."""
    shown = '{"SPDisplaysDataType": [{"sppci_model": "Apple M3 Max", "sppci_cores": "30"}]}'
    (card,) = read(tmp_path, system_profiler=shown).accelerators
    assert card.bandwidth_bytes_per_s == 300e9


def test_a_raised_limit_is_taken_as_it_is() -> None:
    """iogpu.wired_limit_mb says how much the GPU may use; then nothing is assumed."""
    hardware = from_json_file(Hardware, FIXTURES / "apple-m4-max-128gb-raised.json")
    assert hardware.accelerators[0].memory_bytes == 112 * GIB
    assert "accelerators.0.memory_bytes" not in hardware.unknown


@pytest.mark.parametrize(
    ("gib", "share"), [(16, 2 / 3), (32, 2 / 3), (36, 3 / 4), (48, 3 / 4), (64, 3 / 4), (256, 0.8695), (512, 3 / 4)]
)
def test_the_default_share_is_the_least_that_was_measured(gib: int, share: float) -> None:
    """10.67 of 16, 27.0 of 36 and 239 GB of 256 GiB are what Metal named."""
    assert apple.metal_working_set_bytes(gib * GIB) == pytest.approx(gib * GIB * share, rel=1e-3)


@given(st.integers(8 * GIB, 1024 * GIB))
def test_the_gpu_never_gets_all_of_the_memory(memory_bytes: int) -> None:
    """The share is at least 60 % and leaves the system at least an eighth."""
    assert 0.6 * memory_bytes < apple.metal_working_set_bytes(memory_bytes) < 0.875 * memory_bytes


def test_free_is_no_more_than_what_is_available() -> None:
    """The M2 has 5.8 GiB to spare, though its GPU may use 10.7."""
    hardware = from_json_file(Hardware, FIXTURES / "apple-m2-16gb.json")
    (card,) = hardware.accelerators
    assert card.free_bytes == hardware.cpu.available_bytes
    assert card.free_bytes == (44120 + 326744 + 5120 + 2911) * 16384


def test_without_system_profiler_the_memory_tells_the_bin(tmp_path: Path) -> None:
    """64 GB are sold with 40 cores only; that the core count is missing is said."""
    hardware = read(tmp_path, system_profiler=None)
    assert hardware.accelerators[0].bandwidth_bytes_per_s == 400e9
    assert hardware.unknown["accelerators.0.cores"] == "system_profiler is not installed"


def test_an_intel_mac_has_no_accelerator(tmp_path: Path) -> None:
    """Neither engine uses its GPU, and the reason is given."""
    facts = "machdep.cpu.brand_string: Intel(R) Core(TM) i9-9980HK\nhw.memsize: 34359738368\nhw.logicalcpu: 16\n"
    hardware = read(tmp_path, sysctl={"code": 1, "text": facts, "error": "sysctl: unknown oid"})
    assert hardware.accelerators == ()
    assert "not Apple silicon" in hardware.unknown["accelerators"]
    assert hardware.cpu.memory_bytes == 32 * GIB


@pytest.mark.parametrize("text", ["", "{", "[]", '{"SPDisplaysDataType": ["x"]}'])
def test_system_profiler_may_print_anything(text: str, tmp_path: Path) -> None:
    """Junk costs the core count and nothing else."""
    assert read(tmp_path, system_profiler=text).accelerators[0].name == "Apple M3 Max"
