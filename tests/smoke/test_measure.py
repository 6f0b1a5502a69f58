"""The built-in probe of bandwidth and matrix rate. Figures are compared with each other, never with a constant."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.measured.rates import keep_rates, with_kept_rates
from advisor.probe import measure as probing
from advisor.probe.bandwidth import read_bytes_per_s
from advisor.probe.measure import CpuRates, measure, parse, with_rates
from advisor.schema import Cpu, Hardware

CPU = Cpu(
    model="a processor", architecture="x86_64", cores=2, threads=2, memory_bytes=8 << 30, available_bytes=2 << 30,
    instruction_sets=("avx2",), bandwidth_bytes_per_s=3e10, dense_flops={"fp32": 1e11, "bf16": 1e11},
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept rates of each test in a folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_memory_is_read_at_a_plausible_rate() -> None:
    """The bandwidth of one thread is positive and below a terabyte a second."""
    rate = read_bytes_per_s(1, 32 << 20)
    assert rate is not None and 1e8 < rate < 1e12


def test_without_a_compiler_the_bandwidth_is_measured_and_the_rest_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler: a bandwidth, no rates, and the method says that they are derived."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    rates = measure(CPU)
    assert rates.bandwidth_bytes_per_s and not rates.dense_flops
    assert "derived" in rates.method


@pytest.mark.skipif(not any(shutil.which(name) for name in ("cc", "gcc", "clang")), reason="no C compiler here")
def test_with_a_compiler_rates_are_measured() -> None:
    """A compiler: fp32 products are measured too, and the method names the compiler."""
    rates = measure(CPU)
    assert rates.dense_flops["fp32"] > 1e8 and "compiled by" in rates.method


def test_a_compiler_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that cannot compile leaves the derived rates, and says so."""
    monkeypatch.setattr(probing, "_COMPILERS", ("false",))
    rates = measure(CPU)
    assert not rates.dense_flops and "could not compile" in rates.method


def test_the_faster_unit_counts() -> None:
    """Of two units for one data type the faster one is taken."""
    assert parse("read 1e10\nbf16 2e11\nbf16 9e11\n") == {"read": 1e10, "bf16": 9e11}


def test_measured_figures_replace_derived_ones() -> None:
    """Bandwidth and fp32 are as measured, bf16 follows fp32 without a unit of its own, and the basis says measured."""
    cpu = with_rates(CPU, CpuRates(bandwidth_bytes_per_s=2e10, dense_flops={"fp32": 5e10, "int8": 2e11}))
    assert (cpu.bandwidth_bytes_per_s, cpu.dense_flops) == (2e10, {"fp32": 5e10, "bf16": 5e10, "int8": 2e11})
    assert cpu.basis == "measured"


def test_rates_are_kept_for_this_machine_only() -> None:
    """What was measured is found again for the same machine, not for another, nor for a recorded or simulated one."""
    here = Hardware(source="probed", os="linux", cpu=CPU, unknown={"cpu.bandwidth_bytes_per_s": "not in the catalogue"})
    keep_rates(here, CpuRates(bandwidth_bytes_per_s=2e10))
    found = with_kept_rates(here)
    assert found.cpu.bandwidth_bytes_per_s == 2e10 and not found.unknown
    for other in (
        replace(here, cpu=replace(CPU, cores=4)),
        replace(here, source="simulated"),
        replace(here, source="file"),
    ):
        assert with_kept_rates(other) == other
