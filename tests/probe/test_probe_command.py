"""`advisor probe` through the front door."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.probe import probe
from advisor.probe.describe import lines
from advisor.schema import Hardware
from advisor.wire import from_data, from_json_file, to_json
from tests.probe.recorded_machines import FIXTURES, NAMES


def advisor(*arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), **env}
    command = [sys.executable, "-m", "advisor.cli", "probe", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd or root, env=environment, check=False)


def test_json_goes_to_standard_output_alone() -> None:
    """One document that passes the strict door, and nothing else."""
    done = advisor("--json")
    assert done.returncode == 0, done.stderr
    hardware = from_data(Hardware, json.loads(done.stdout), where="stdout")
    assert hardware.source == "probed"


def test_the_file_is_the_json(tmp_path: Path) -> None:
    """--out writes what --json prints; the note about it goes to standard error."""
    done = advisor("--gpu", "2x RTX 4090", "--json", "--out", "hw.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "hw.json").read_text() == done.stdout
    assert done.stderr == "wrote hw.json\n"


def test_an_existing_file_is_refused_unless_forced(tmp_path: Path) -> None:
    """Exit 2 with the path and the way out; --force replaces."""
    (tmp_path / "hw.json").write_text("mine")
    done = advisor("--gpu", "RTX 4090", "--out", "hw.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "hw.json: exists already" in done.stderr
    assert (tmp_path / "hw.json").read_text() == "mine"
    assert advisor("--gpu", "RTX 4090", "--out", "hw.json", "--force", cwd=tmp_path).returncode == 0
    assert from_json_file(Hardware, tmp_path / "hw.json").accelerators[0].catalog_id == "nvidia-rtx-4090"


def test_an_unknown_card_is_exit_2() -> None:
    """The nearest names are in the message."""
    done = advisor("--gpu", "RTX 4091")
    assert done.returncode == 2
    assert "RTX 4090" in done.stderr


def test_the_help_has_examples_and_exit_codes() -> None:
    """What a person needs first."""
    done = advisor("--help")
    for part in ("Examples:", "advisor probe --out hw.json", "Exit codes: 0 done, 2 bad input", "--force"):
        assert part in done.stdout


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_report_fits_the_terminal(width: int) -> None:
    """No line is wider than the terminal, none ends in blanks, and there is no colour in a pipe."""
    done = advisor("--gpu", "8x H100 SXM", COLUMNS=str(width))
    for line in done.stdout.splitlines():
        assert len(line) <= width
        assert line == line.rstrip()
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_report_holds_what_matters(name: str) -> None:
    """Every card, the memory, the driver and each missing answer are told."""
    hardware = from_json_file(Hardware, FIXTURES / f"{name}.json")
    text = "\n".join(f"{label} {words}" for label, words in lines(hardware))
    for card in hardware.accelerators:
        assert card.name in text
    for fact in (
        hardware.cpu.model,
        hardware.nvidia_driver,
        hardware.rocm_version,
        hardware.containers.engine,
    ):
        assert fact is None or fact in text
    for reason in hardware.unknown.values():
        assert reason in text
    assert ("held by" in text) == any(card.processes for card in hardware.accelerators)


def test_like_cards_are_told_once() -> None:
    """Eight H100 take one paragraph, and say that each reaches each."""
    report = list(lines(from_json_file(Hardware, FIXTURES / "h100-x8.json")))
    assert [label for label, _ in report if label.startswith("GPU")] == ["GPU 0-7"]
    assert any("NVLink to each other at 450 GB/s" in words for _, words in report)


def test_this_machine_answers() -> None:
    """The probe of the machine that runs the tests agrees with what Python knows about it."""
    hardware = probe()
    assert hardware.cpu.cores > 0
    assert hardware.cpu.memory_bytes > 2**28
    assert hardware.disk_free_bytes is not None
    if hasattr(os, "sched_getaffinity"):
        assert hardware.cpu.threads <= len(os.sched_getaffinity(0))
    assert from_data(Hardware, json.loads(to_json(hardware)), where="this machine") == hardware


def test_the_models_path_is_where_disk_is_measured(tmp_path: Path) -> None:
    """A folder given by hand, also one that is still to be made."""
    hardware = probe(tmp_path / "models")
    assert hardware.disk_path == str(tmp_path / "models")
    assert hardware.disk_free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)


def test_nothing_about_the_person_is_printed() -> None:
    """No host name and no home folder in the JSON of this machine."""
    text = advisor("--json", HOME="/home/somebody-special").stdout
    assert "somebody-special" not in text
    host = os.uname().nodename
    assert len(host) < 5 or host not in text
