"""Every recorded machine, from what its driver prints to the fixture that other tests stand on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from advisor.catalog import sources
from advisor.schema import Hardware
from advisor.wire import from_data, from_json_file, to_data, to_json
from tests.probe.recorded_machines import FIXTURES, NAMES, RECORDED, hardware_of, recording

PROBE = Path(__file__).parents[2] / "advisor" / "probe"
ASKED_FOR = (
    "laptop-no-gpu apple-m2-16gb apple-m3-max-64gb gtx-1080 rtx-3090-pair-nvlink rtx-3090-pair-pcie rtx-4090 "
    "rtx-4090-pair rtx-4090-x8 t4 l4 a100-40gb a100-80gb-x4 h100-x8 h200 mi300x strix-halo gb10 mig-3g-40gb "
    "rtx-4090-half-full cpu-2-cores"
)


@pytest.mark.parametrize("name", NAMES)
def test_the_probe_makes_the_fixture_of_the_recording(name: str, tmp_path: Path) -> None:
    """A fixture is what the probe reads from the recorded output, no more and no less."""
    fixture = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    again = "python -m tests.probe.recorded_machines writes the fixtures again"
    assert to_data(hardware_of(name, tmp_path)) == fixture, again


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_a_fixture_survives_the_round_trip(path: Path) -> None:
    """A fixture loads through the strict door and comes out as the same text."""
    hardware = from_json_file(Hardware, path)
    assert from_data(Hardware, to_data(hardware), where="again") == hardware
    assert to_json(hardware) == path.read_text(encoding="utf-8")


def test_every_machine_of_the_issue_is_there() -> None:
    """The machines that were asked for are all recorded, and each recording has its fixture."""
    assert set(NAMES) >= set(ASKED_FOR.split())
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_says_what_it_is_built_from(name: str) -> None:
    """The note names the machine and where its figures come from."""
    note = from_json_file(Hardware, FIXTURES / f"{name}.json").note
    assert len(note) > 80
    assert re.search(r"documents|documented|stored|measured|reports|recordings|probed", note), note


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_fixture_tells_whose_machine_it_is(name: str) -> None:
    """No serial number, UUID, home folder or command line gets through, though recordings have some."""
    text = (FIXTURES / f"{name}.json").read_text(encoding="utf-8")
    assert not re.search(r"GPU-[0-9a-f]{4}|MIG-[0-9a-f]{4}|fd626d62|0x6F1F|/home/|someone|--model|sha256", text)


def test_the_recordings_do_hold_what_must_not_get_through() -> None:
    """The test above is not empty: serial numbers, UUIDs and command lines are in the recordings."""
    text = "".join((RECORDED / f"{name}.yaml").read_text(encoding="utf-8") for name in NAMES)
    for secret in ("GPU-01234567", "fd626d62", "0x6F1F", "--model"):
        assert secret in text


@pytest.mark.parametrize("name", NAMES)
def test_what_is_none_has_a_reason_or_needs_none(name: str) -> None:
    """Where bandwidth is missing, `unknown` says why; every reason is a sentence."""
    hardware = from_json_file(Hardware, FIXTURES / f"{name}.json")
    assert all(len(reason) > 10 for reason in hardware.unknown.values())
    assert (hardware.cpu.bandwidth_bytes_per_s is None) == ("cpu.bandwidth_bytes_per_s" in hardware.unknown)
    for accelerator in hardware.accelerators:
        key = f"accelerators.{accelerator.index}.bandwidth_bytes_per_s"
        assert (accelerator.bandwidth_bytes_per_s is None) == (key in hardware.unknown)
    assert [accelerator.index for accelerator in hardware.accelerators] == list(range(len(hardware.accelerators)))


def test_a_recording_is_found_by_its_name() -> None:
    """The recordings are plain YAML with a note first."""
    assert next(iter(recording("rtx-4090"))) == "note"


@pytest.mark.parametrize("path", sorted(PROBE.glob("*.json")), ids=lambda path: path.stem)
def test_every_table_of_the_probe_names_its_sources(path: Path) -> None:
    """Figures and codes kept beside the readers have keys that resolve."""
    table = json.loads(path.read_text(encoding="utf-8"))
    keys = [table["source"]] if "source" in table else list(table["sources"].values())
    assert keys
    assert [key for key in keys if key not in sources()] == []


def test_the_readme_lists_every_machine() -> None:
    """A new fixture gets its line."""
    text = (FIXTURES / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []
