"""vGPU: memory as its driver says, speed in proportion and never certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.catalog.gpu_driver import match_driver_name, vgpu_gb
from advisor.pipeline import find_hardware, recommend
from advisor.probe.simulate import simulate
from advisor.probe.vgpu import with_shares
from tests.data import DATA

RECORDED = DATA / "machines" / "vgpu-a40-12q.json"


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("NVIDIA A40-12Q", 12),
        ("GRID T4-8Q", 8),
        ("NVIDIA L40S-24C", 24),
        ("NVIDIA RTX6000-Ada-48Q", 48),
        ("NVIDIA A16-4A", 4),
        ("NVIDIA A40", None),
        ("Tesla V100S-PCIE-32GB", None),
        ("NVIDIA A100-SXM4-80GB", None),
    ],
)
def test_a_profile_names_its_memory(name: str, gigabytes: int | None) -> None:
    """The number before the series of the profile; a card's own name has none."""
    assert vgpu_gb(name) == gigabytes


@pytest.mark.parametrize(
    ("name", "entry"),
    [("NVIDIA A40-12Q", "nvidia-a40"), ("GRID T4-8Q", "nvidia-t4"), ("NVIDIA L40S-24C", "nvidia-l40s")],
)
def test_a_profile_is_a_share_of_its_card(name: str, entry: str) -> None:
    """Whatever its memory, the entry is that of the card before the dash."""
    spec = match_driver_name(name, 12 << 30, None)
    assert spec is not None and spec.id == entry


@pytest.mark.parametrize("source", ["recorded", "named", "listed"])
def test_a_share_has_its_part_of_the_speed(source: str, tmp_path: Path) -> None:
    """A quarter of an A40's memory counts as a quarter of its bandwidth and arithmetic, however it was told."""
    listed = tmp_path / "smi.csv"
    listed.write_text("name, memory.total [MiB]\nNVIDIA A40-12Q, 12288 MiB\n", encoding="utf-8")
    read = {"recorded": lambda: find_hardware(None, RECORDED), "listed": lambda: find_hardware(None, listed)}
    (card,) = read.get(source, lambda: simulate("NVIDIA A40-12Q"))().accelerators
    (whole,) = simulate("A40").accelerators
    assert card.bandwidth_bytes_per_s and whole.bandwidth_bytes_per_s
    assert card.bandwidth_bytes_per_s == pytest.approx(whole.bandwidth_bytes_per_s / 4)
    assert card.dense_flops["fp16"] == pytest.approx(whole.dense_flops["fp16"] / 4)
    assert 11 < card.memory_bytes / 2**30 <= 12


def test_a_machine_that_was_read_twice_is_the_same() -> None:
    """A recording whose speed is that of the share already stays as it is."""
    once = find_hardware(None, RECORDED)
    assert with_shares(once) == once


def test_the_answer_says_that_it_is_uncertain() -> None:
    """Confidence is not high, and scheduler and licence are named."""
    answer = recommend(
        profile=None, overrides={"model": "Qwen/Qwen3-8B", "users": 5}, hardware_file=RECORDED, measurements="none"
    )
    assert answer.plan is not None and answer.verdict.confidence != "high"
    said = " ".join(finding.message for finding in answer.plan.findings)
    assert "uncertain" in said and "scheduler" in said and "licence" in said
