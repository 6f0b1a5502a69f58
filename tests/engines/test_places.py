"""MIG slices, and cards behind a card in slices, are called in every file what the driver's tools call them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.engines.places import joined, places
from advisor.pipeline import files_of, find_hardware, recommend
from advisor.schema import Hardware, Plan
from tests.data import DATA

RECORDED = DATA / "machines" / "mig-1g-then-2g.json"
LISTED = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-7f57f032)
  MIG 1g.10gb     Device  0: (UUID: MIG-aaaa)
  MIG 2g.20gb     Device  1: (UUID: MIG-bbbb)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-8c7c9c30)
  MIG 2g.20gb     Device  1: (UUID: MIG-cccc)
"""


@cache
def _plan(engine: str) -> Plan:
    """Of the second slice: the first is too small for the model."""
    wanted: dict[str, Any] = {"model": "Qwen/Qwen3-8B", "engine": engine, "users": 4, "quantization": "auto"}
    wanted |= {"quantization": "bf16"} if engine == "vllm" else {"context_tokens": 32768, "concurrency": 2}
    made = recommend(
        profile=None,
        overrides=wanted | {"run": "all"},
        hardware_file=RECORDED,
        measurements="none",
    ).plan
    assert made is not None and made.estimate.candidate.gpu_indices == (1,)
    return made


def _files(engine: str) -> dict[str, str]:
    return {file.path: file.text for file in files_of(_plan(engine))}


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_the_second_slice_is_called_so_everywhere(engine: str) -> None:
    """Compose and quadlet name GPU 0's device 1, Kubernetes its profile, the unit and a check look for it."""
    files = _files(engine)
    compose = yaml.safe_load(files["compose.yaml"])["services"]["engine"]
    (asked,) = compose["deploy"]["resources"]["reservations"]["devices"]
    assert asked["device_ids"] == ["${ADVISOR_MIG_DEVICE:-0:1}"]
    quadlet = next(text for path, text in files.items() if path.endswith(".container") and "AddDevice" in text)
    assert "AddDevice=nvidia.com/gpu=0:1\n" in quadlet
    assert any("nvidia.com/mig-2g.20gb" in text for path, text in files.items() if "kubernetes" in path)
    unit = next(text for path, text in files.items() if path.startswith("systemd/") and 'ExecStart="/bin/sh"' in text)
    assert "slice=$${ADVISOR_MIG_DEVICE:-0:1}" in unit and 'exec \\"$$@\\"' in unit
    assert any("GPU 0:1 is a NVIDIA H100 80GB HBM3 MIG 2g.20gb" in check.fact for check in _plan(engine).checks)


@pytest.mark.parametrize(
    ("engine", "named", "told"),
    [
        ("vllm", None, "MIG-bbbb"),
        ("ollama", None, "MIG-bbbb"),
        ("vllm", "0:0", "MIG-aaaa"),
        ("vllm", "1:1", "MIG-cccc"),
        ("vllm", "MIG-own", "MIG-own"),
        ("vllm", "1:0", ""),
    ],
)
def test_run_sh_tells_the_engine_the_slices_id(tmp_path: Path, engine: str, named: str | None, told: str) -> None:
    """CUDA takes a slice by its id alone: it is read where nvidia-smi lists the slice, and a missing one is a fault."""
    script = _files(engine)["run.sh"]
    lines = script[script.index("slice=") : script.index("command=(")]
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\ncat <<'E'\n{LISTED}E\n", encoding="utf-8")
    (tmp_path / "nvidia-smi").chmod(0o755)
    program = f'set -euo pipefail\nsay() {{ :; }}\nfail() {{ exit 9; }}\n{lines}\nprintf %s "$CUDA_VISIBLE_DEVICES"'
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | ({"ADVISOR_MIG_DEVICE": named} if named else {})
    ran = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == (told, 0 if told else 9), ran.stderr


def _machine(*profiles: str | None, catalog_id: str = "nvidia-a100-sxm4-40gb") -> Hardware:
    recorded = find_hardware(None, RECORDED)
    cards = (
        replace(
            recorded.accelerators[0],
            index=number,
            name=f"NVIDIA A100 MIG {profile}" if profile else "NVIDIA A100",
            mig_profile=profile,
            catalog_id=catalog_id,
        )
        for number, profile in enumerate(profiles)
    )
    return replace(recorded, accelerators=tuple(cards))


@pytest.mark.parametrize(
    ("profiles", "called"),
    [
        (("1g.5gb", "2g.10gb"), "0:0,0:1"),
        ((None, "3g.20gb", "3g.20gb"), "0,1:0,1:1"),
        (("3g.20gb", None), "0:0,1"),
        (("4g.20gb", "3g.20gb", "4g.20gb", "3g.20gb"), "0:0,0:1,1:0,1:1"),
        (("3g.20gb", "3g.20gb", "1g.5gb"), "0:0,0:1,1:0"),
        (("7g.40gb", "7g.40gb"), "0:0,1:0"),
        (("1g.5gb",) * 8, "0:0,0:1,0:2,0:3,0:4,0:5,0:6,1:0"),
    ],
)
def test_a_recording_without_places_lays_slices_on_cards_in_order(
    profiles: tuple[str | None, ...], called: str
) -> None:
    """As many on each as it has compute slices and memory for; a whole card behind them keeps the driver's number."""
    hardware = _machine(*profiles)
    assert joined(hardware.accelerators, hardware) == called


def test_what_the_driver_said_comes_first() -> None:
    """A recorded place is taken as it is."""
    hardware = _machine("3g.20gb", "3g.20gb")
    apart = (hardware.accelerators[0], replace(hardware.accelerators[1], place="3:0"))
    assert places(replace(hardware, accelerators=apart)) == {0: "0:0", 1: "3:0"}
