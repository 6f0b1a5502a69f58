"""The generated files are exactly what the programs make of their tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from advisor.catalog import DATA, models
from advisor.refresh import copies, extra, flags, gpus, hub, hub_sizes, more_gpus, ranking, scores, serving
from advisor.refresh import models as model_table
from advisor.refresh.gpus import nvlink_bytes_per_s, peer_access
from advisor.refresh.table import SOURCES, number

GENERATORS: dict[str, Callable[[], dict[str, str]]] = {
    "gpus": lambda: gpus.generate(SOURCES),
    "more_gpus": lambda: more_gpus.generate(SOURCES),
    "models": lambda: model_table.generate(SOURCES),
    "hub_sizes": lambda: hub_sizes.generate(SOURCES),
    "flags": lambda: flags.generate(flags.kept(SOURCES)),
    "extra": extra.generate,
    "hub": lambda: hub.generate(SOURCES),
    "copies": lambda: copies.generate(SOURCES),
    "serving": lambda: serving.generate(SOURCES),
    "scores": scores.generate,
    "ranking": ranking.generate,
}


@pytest.mark.parametrize("program", GENERATORS)
def test_generated_from_its_sources(program: str) -> None:
    """Running the program again gives the packaged file byte for byte: it follows every change of table and hand-kept file."""
    for name, text in GENERATORS[program]().items():
        assert (DATA / name).read_text(encoding="utf-8") == text, f"{name}: run python -m advisor.refresh.{program}"


@pytest.mark.parametrize("program", ["gpus", "models", "hub_sizes", "flags"])
@pytest.mark.parametrize(("given", "told"), [((), "required: FOLDER"), (("nowhere",), "nowhere: no such folder")])
def test_a_program_without_its_tables_says_so(program: str, given: tuple[str, ...], told: str) -> None:
    """Without a folder, or with one that is not there, a program ends with what it needs and where that lies."""
    command = [sys.executable, "-m", f"advisor.refresh.{program}", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("text", "bytes_per_s"),
    [
        ("NVLink 4, 900 GB/s; PCIe 5.0 x16", 450e9),
        ("NVLink 3 bridge (pair), 112.5 GB/s; PCIe 4.0 x16", 56.25e9),
        ("NVLink 2 bridge (pair); PCIe 3.0 x16", None),
        ("none in box; ConnectX-7 2 x 200 GbE; NVLink-C2C 600 GB/s CPU-GPU", None),
    ],
)
def test_nvlink_is_one_direction(text: str, bytes_per_s: float | None) -> None:
    """The table adds both directions; the entry holds one; a link to the CPU is none to a peer."""
    assert nvlink_bytes_per_s(text) == bytes_per_s


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("", None),
        ("y", True),
        ("y? (professional class, not read per card)", True),
        ("n: stock driver refuses GeForce peer access (patched kernel module needed)", False),
        ("y over NVLink bridge; over PCIe only with a patched kernel module", False),
    ],
)
def test_peer_access_over_pcie(text: str, access: bool | None) -> None:
    """Only what the stock driver allows over PCIe counts as peer access."""
    assert peer_access(text) is access


def test_numbers_with_remarks() -> None:
    """A cell may hold a remark behind the number, or a range, of which the upper end counts."""
    assert [number(text) for text in ("", "55 (TechPowerUp default)", "40-130")] == [None, 55.0, 130.0]


def test_shared_experts_complete_the_total() -> None:
    """For Qwen2-57B-A14B the formula with the shared experts gives the published total to the last integer."""
    model = next(model for model in models() if model.hf_id == "Qwen/Qwen2-57B-A14B-Instruct")
    attention = 2 * model.hidden**2 + 2 * model.hidden * model.kv_heads * model.head_dim
    biases = model.heads * model.head_dim + 2 * model.kv_heads * model.head_dim
    experts = 3 * model.hidden * model.expert_intermediate * (model.experts + model.shared_experts)
    router_and_gate = model.hidden * model.experts + model.hidden
    layer = attention + biases + experts + router_and_gate + 2 * model.hidden
    assert model.layers * layer + 2 * model.vocab * model.hidden + model.hidden == model.parameters
