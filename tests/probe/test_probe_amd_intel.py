"""AMD and Intel GPUs from trees of small files, as the kernel writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.probe import amd, amd_smi, machine, pci
from advisor.probe.host import Output
from advisor.schema import Hardware
from advisor.wire import from_json_file
from tests.probe.recorded_machines import FIXTURES, host_of, recording

NODES = "/sys/class/kfd/kfd/topology/nodes"


def gpu_files(node: int, minor: int, **device: object) -> dict[str, str]:
    """The files of one Instinct GPU."""
    folder = f"/sys/class/drm/renderD{minor}/device"
    defaults = {
        "vendor": "0x1002",
        "device": "0x74a1",
        "revision": "0x00",
        "mem_info_vram_total": 206141652992,
    }
    files = {f"{folder}/{name}": str(text) for name, text in {**defaults, **device}.items()}
    properties = f"simd_count 1216\nsimd_per_cu 4\ngfx_target_version 90402\ndrm_render_minor {minor}\n"
    return {
        **files,
        f"{folder}/uevent": f"PCI_SLOT_NAME=0000:{minor:02x}:00.0\n",
        f"{NODES}/{node}/properties": properties,
        f"{NODES}/{node}/gpu_id": str(1000 + node),
    }


def read(files: dict[str, str], root: Path, commands: dict[str, Any] | None = None) -> Hardware:
    """The probe of a server with these files."""
    recorded = recording("mi300x")
    recorded["files"] = {"/etc/os-release": "PRETTY_NAME=Test", **files}
    recorded["commands"] = commands or {}
    return machine.read(host_of(recorded, root), None)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("90402", "gfx942"),
        ("90010", "gfx90a"),
        ("110501", "gfx1151"),
        ("100300", "gfx1030"),
        ("120001", "gfx1201"),
        ("0", None),
    ],
)
def test_target_versions_are_decimal_with_hex_digits(version: str, name: str | None) -> None:
    """KFD packs major, minor and stepping in decimal; the name writes the last two in hex."""
    assert amd.gfx_target(version) == name


@given(major=st.integers(9, 12), minor=st.integers(0, 15), stepping=st.integers(0, 15))
def test_every_target_version_can_be_read_back(major: int, minor: int, stepping: int) -> None:
    """No two versions share a name."""
    assert amd.gfx_target(str(major * 10000 + minor * 100 + stepping)) == f"gfx{major}{minor:x}{stepping:x}"


def test_an_mi300x_is_read_whole() -> None:
    """Name by amd-smi, target and units by KFD, memory and link by amdgpu, ROCm's version by amd-smi."""
    hardware = from_json_file(Hardware, FIXTURES / "mi300x.json")
    (card,) = hardware.accelerators
    assert (card.name, card.compute_capability) == ("AMD Instinct MI300X", "gfx942")
    assert card.memory_bytes == 206141652992
    assert card.free_bytes == 206141652992 - 301989888
    assert (card.pcie_generation, card.pcie_width) == (5, 16)
    assert hardware.rocm_version == "7.0.2"


def test_integrated_graphics_has_what_it_may_map() -> None:
    """Strix Halo: the carve-out plus GTT; free is no more than what the machine has left."""
    (card,) = from_json_file(Hardware, FIXTURES / "strix-halo.json").accelerators
    assert card.unified_memory
    assert card.memory_bytes == 536870912 + 128849018880
    assert card.free_bytes is not None
    assert card.free_bytes <= 122204100 * 1024 + 536870912
    assert card.pcie_generation is None


def test_a_render_node_and_its_card_are_one_gpu(tmp_path: Path) -> None:
    """The display driver's folder of the same PCI address is not counted again."""
    files = gpu_files(1, 128)
    files |= {path.replace("renderD128", "card1"): text for path, text in files.items() if "renderD128" in path}
    assert len(read(files, tmp_path).accelerators) == 1


def test_a_gpu_that_only_the_display_driver_knows_is_listed(tmp_path: Path) -> None:
    """Without KFD the memory is known, the target is the data sheet's, and the reason is given."""
    files = {path.replace("renderD128", "card0"): text for path, text in gpu_files(1, 128).items() if "kfd" not in path}
    hardware = read(files, tmp_path)
    (card,) = hardware.accelerators
    assert (card.name, card.memory_bytes) == ("AMD Instinct MI300X", 206141652992)
    assert "KFD does not list" in hardware.unknown["accelerators.0.compute_capability"]


def test_fabric_links_make_peers(tmp_path: Path) -> None:
    """Links of type 11 are Infinity Fabric; type 2 is PCIe to the processor."""
    files = {**gpu_files(1, 128), **gpu_files(2, 129)}
    for node, other in ((1, 2), (2, 1)):
        files[f"{NODES}/{node}/io_links/0/properties"] = f"type 2\nnode_from {node}\nnode_to 0\n"
        files[f"{NODES}/{node}/io_links/1/properties"] = f"type 11\nnode_from {node}\nnode_to {other}\n"
    assert [card.nvlink_peers for card in read(files, tmp_path).accelerators] == [(1,), (0,)]


def test_the_two_dies_of_an_mi250x_have_half_each(tmp_path: Path) -> None:
    """The driver lists two GPUs of 64 GiB; the data sheet's bandwidth is that of both."""
    files = gpu_files(1, 128, device="0x7408", mem_info_vram_total=68702699520)
    files[f"{NODES}/1/properties"] = "simd_count 440\nsimd_per_cu 4\ngfx_target_version 90010\ndrm_render_minor 128\n"
    (card,) = read(files, tmp_path).accelerators
    assert card.bandwidth_bytes_per_s == pytest.approx(1638.4e9)


def test_a_partitioned_card_is_mentioned(tmp_path: Path) -> None:
    """In CPX mode the figures of the whole card would be wrong without a word."""
    hardware = read(gpu_files(1, 128, current_compute_partition="CPX"), tmp_path)
    assert "partition mode CPX" in hardware.unknown["accelerators.0.compute_partition"]


def test_processes_come_from_kfd(tmp_path: Path) -> None:
    """Memory by process and GPU id; the name is the kernel's short one."""
    files = {
        **gpu_files(1, 128),
        "/sys/class/kfd/kfd/proc/77/vram_1001": "1048576",
        "/proc/77/comm": "python3\n",
    }
    files["/sys/class/kfd/kfd/proc/78/vram_1001"] = "0"
    (card,) = read(files, tmp_path).accelerators
    assert card.processes is not None
    assert [(process.pid, process.name, process.used_bytes) for process in card.processes] == [(77, "python3", 1048576)]


def test_libdrm_names_what_our_list_lacks(tmp_path: Path) -> None:
    """The system's list of names is asked before the short one kept here, revision by revision."""
    files = gpu_files(1, 128, device="0x7999", revision="0xc1")
    files["/usr/share/libdrm/amdgpu.ids"] = (
        "# comment\n7999,\tC0,\tAMD Radeon Wrong\n7999,\tC1,\tAMD Radeon RX 9070 XT\n"
    )
    (card,) = read(files, tmp_path).accelerators
    assert card.name == "AMD Radeon RX 9070 XT"


def test_integrated_graphics_that_nobody_knows_is_left_out(tmp_path: Path) -> None:
    """The two-unit graphics of a desktop Ryzen is no accelerator, and the numbers close up behind it."""
    small = gpu_files(1, 128, device="0x164e", revision="0xc9", mem_info_vram_total=536870912)
    small[f"{NODES}/1/properties"] = "simd_count 4\nsimd_per_cu 2\ngfx_target_version 100306\ndrm_render_minor 128\n"
    hardware = read({**small, **gpu_files(2, 129)}, tmp_path)
    assert [(card.index, card.name) for card in hardware.accelerators] == [(0, "AMD Instinct MI300X")]
    assert "left out" in hardware.unknown["integrated_gpu"]


@pytest.mark.parametrize("text", ["", "not json", "3", "null", "[]", '{"gpu_data": 3}', '[{"asic": "N/A"}]'])
def test_amd_smi_may_print_anything(text: str) -> None:
    """Junk names nothing and stops nothing."""
    smi = amd_smi.finish((lambda: Output(0, text, ""), lambda: Output(None, "", "amd-smi is not installed")))
    assert (dict(smi.names), smi.rocm) == ({}, None)


def test_amd_smi_of_older_releases_is_read_too() -> None:
    """A bare list after a warning; board names such as MI300X-O are not market names."""
    entry = '{"gpu": %d, "asic": {"market_name": "%s"}, "bus": {"bdf": "0000:%02d:00.0"}}'
    entries = [entry % (0, "AMD Instinct MI210", 3), entry % (1, "MI300X-O", 4)]
    listed = f"WARNING: user is missing groups\n[{', '.join(entries)}]"
    version = '[{"tool": "AMDSMI Tool", "rocm_version": "6.3.0"}]'
    smi = amd_smi.finish((lambda: Output(0, listed, ""), lambda: Output(0, version, "")))
    assert dict(smi.names) == {"0000:03:00.0": "AMD Instinct MI210"}
    assert smi.rocm == "6.3.0"


def test_a_discrete_intel_card_has_the_data_sheets_memory() -> None:
    """The kernel names no size, so the catalogue's stands there; integrated graphics is left out."""
    hardware = from_json_file(Hardware, FIXTURES / "arc-b580.json")
    (card,) = hardware.accelerators
    assert (card.index, card.memory_bytes, card.device_class) == (0, 12 * 1024**3, "consumer")
    assert "data sheet" in hardware.unknown["accelerators.0.memory_bytes"]
    assert "integrated_gpu" in hardware.unknown


def test_link_speeds_are_generations(tmp_path: Path) -> None:
    """16 GT/s is PCIe 4; what is not a known speed is None."""
    recorded = recording("arc-b580")
    host = host_of(recorded, tmp_path)
    assert pci.link(host, "/sys/class/drm/card1/device") == pci.Link(4, 1, 8, 8)
    assert pci.link(host, "/sys/class/drm/card0/device") == pci.Link(None, None, None, None)
