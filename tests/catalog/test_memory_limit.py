"""Unified memory: what the GPU may use of it, how sure that is, and what raises it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import gpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_names import with_memory
from advisor.catalog.memory_limit import memory_limit
from advisor.pipeline import Answer, find_hardware, recommend
from advisor.probe.named import Named
from advisor.probe.simulate import machine, simulate
from advisor.units import GIB
from tests.data import DATA

# GiB of the machine → working sets that were measured on such Macs.
MEASURED = {
    16: (10.67, 11.84),
    18: (13.32,),
    32: (21.33, 24.96),
    36: (27.0, 28.08),
    48: (37.44,),
    96: (72.0,),
    128: (96.0, 107.52),
    256: (222.6,),
}
CHIPS = {16: "M2", 18: "M3 Pro", 32: "M2 Max", 36: "M3 Max", 48: "M4 Pro", 96: "M2 Max", 128: "M4 Max", 256: "M3 Ultra"}
UNIFIED = [spec for spec in gpus() if spec.unified_memory]


@pytest.mark.parametrize("size", MEASURED)
def test_the_range_holds_what_was_measured(size: int) -> None:
    """The least is planned with, and no measured working set lies outside."""
    limit = memory_limit(simulate(f"{CHIPS[size]} {size}GB"))
    assert limit is not None and limit.now_bytes == pytest.approx(limit.least_bytes, rel=1e-3)
    for measured in MEASURED[size]:
        assert limit.least_bytes * 0.999 <= measured * GIB <= limit.most_bytes * 1.001


@given(st.sampled_from(UNIFIED), st.integers(8, 512))
def test_a_limit_leaves_the_system_its_part(spec: GpuSpec, size: int) -> None:
    """Raised or not, at least 4 GiB stay for the system; raising never lowers."""
    hardware = machine(Named("chip", (with_memory(replace(spec, memory_options_bytes=()), size * GIB),)))
    limit = memory_limit(hardware)
    if limit is None:
        return
    assert limit.now_bytes <= limit.raised_bytes <= max(limit.now_bytes, (size - 4) * GIB)
    assert limit.least_bytes <= limit.most_bytes < size * GIB


def _asked(gpu: str | None = None, recorded: str | None = None, **wanted: Any) -> Answer:
    file = DATA / "machines" / recorded if recorded else None
    overrides = {"model": "mixtral:8x7b", "engine": "ollama", "ttft_ms": 8000, **wanted}
    return recommend(profile=None, overrides=overrides, gpu=gpu, hardware_file=file, measurements="none")


def test_a_mac_of_36_gb_holds_what_it_was_seen_to_hold() -> None:
    """Mixtral fits into the 27.0 GiB that such a Mac gives, named or recorded."""
    assert _asked("M3 Max 36GB").plan is not None
    assert _asked(recorded="m3max-36gb-27gib-limit.json").plan is not None


@pytest.mark.parametrize(
    ("gpu", "wanted", "switch"),
    [
        ("M3 Max 36GB", {"context_tokens": 32768, "quantization": "q4_0"}, "sudo sysctl iogpu.wired_limit_mb=32768"),
        ("M4 Pro 48GB", {"model": "llama3.3:70b", "ttft_ms": 60000}, "sudo sysctl iogpu.wired_limit_mb="),
        ("Radeon 780M 32GB", {"model": "qwen3:32b", "ttft_ms": 60000}, "ttm.pages_limit="),
    ],
)
def test_a_no_that_turns_on_the_limit_names_what_raises_it(gpu: str, wanted: dict[str, Any], switch: str) -> None:
    """And is not certain, as another version of the system may give more."""
    answer = _asked(gpu, **wanted)
    assert answer.plan is None and answer.verdict.confidence == "medium"
    assert switch in answer.verdict.summary


def test_a_no_that_raising_would_not_change_is_certain() -> None:
    """Where even the raised limit is too small, it is not named."""
    answer = _asked("M3 Max 36GB", model="llama3.3:70b", ttft_ms=60000)
    assert (answer.plan, answer.verdict.confidence) == (None, "high")
    assert "wired_limit" not in answer.verdict.summary


def test_a_limit_that_its_owner_raised_is_no_guess() -> None:
    """112 of 128 GiB were set: nothing about it is uncertain."""
    raised = find_hardware(None, DATA.parent / "hardware" / "apple-m4-max-128gb-raised.json")
    limit = memory_limit(raised)
    assert limit is not None and (limit.now_bytes, limit.uncertain) == (112 * GIB, False)


def test_cards_with_memory_of_their_own_have_no_such_limit() -> None:
    """Neither have unified ones whose system has no switch."""
    assert memory_limit(simulate("RTX 4090")) is None
    assert memory_limit(simulate("DGX Spark")) is None
