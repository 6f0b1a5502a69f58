"""`advisor probe --measure`: memory bandwidth and matrix rate of this processor.

With a C compiler at hand a small program (measure.c) runs multiplications of each data type on all threads. Without
one the bandwidth is measured all the same, and the rates stay what instruction sets and nominal clock say.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path

from advisor.edge.children import run
from advisor.probe.bandwidth import read_bytes_per_s
from advisor.schema import Cpu, value
from advisor.units import MIB

_COMPILERS = ("cc", "gcc", "clang")
_FLAGS = ("-O3", "-ffp-contract=fast", "-pthread")
_LIMIT_S = 60
_MIB_A_THREAD = (32, 256)  # least and most
_TRIES, _PAUSE_S = 4, 0.5  # the best counts: another program's burst lasts longer than one try


@value
class CpuRates:
    """What was measured, and how."""

    bandwidth_bytes_per_s: float | None
    dense_flops: Mapping[str, float] = field(default_factory=dict)  # by data type; empty: derived, not measured
    method: str = ""  # for a person
    threads: int = 1
    schema_version: int = 1


def measure(cpu: Cpu) -> CpuRates:
    """Measure this processor; takes five to ten seconds. What cannot be measured is left out, and `method` says so."""
    threads = max(1, cpu.threads)
    size = _mib_a_thread(cpu, threads)
    compiled, how = _compiled(threads, size)
    plain = [read_bytes_per_s(threads, size * MIB) for _ in _tries()]
    read = max(filter(None, (*plain, compiled.pop("read", None))), default=None)
    return CpuRates(
        bandwidth_bytes_per_s=read,
        dense_flops=compiled,
        method=f"{threads} thread(s) reading {size} MiB each; {how}",
        threads=threads,
    )


def _tries() -> Iterator[int]:
    """The tries, a moment apart."""
    for number in range(_TRIES):
        if number:
            time.sleep(_PAUSE_S)
        yield number


def _mib_a_thread(cpu: Cpu, threads: int) -> int:
    """As much as is polite: a sixteenth of what is available, over all threads."""
    polite = (cpu.available_bytes or cpu.memory_bytes) // MIB // 16 // threads
    return max(_MIB_A_THREAD[0], min(_MIB_A_THREAD[1], polite))


def _compiled(threads: int, mib: int) -> tuple[dict[str, float], str]:
    """The rates by measure.c, and what was done; empty without a compiler."""
    compiler = next((path for name in _COMPILERS if (path := shutil.which(name))), None)
    source = Path(__file__).with_suffix(".c")
    if compiler is None or not source.is_file():
        return {}, "no C compiler, so rates by data type are derived from instruction sets and nominal clock"
    with tempfile.TemporaryDirectory(prefix="advisor-measure-") as folder:
        program = Path(folder) / "measure"
        for native in ("-march=native", "-mcpu=native"):
            built = _run([compiler, *_FLAGS, native, "-o", str(program), str(source)])
            if built is not None:
                break
        else:
            return {}, f"{Path(compiler).name} could not compile the probe, so rates by data type are derived"
        said = "".join(_run([str(program), str(threads), str(mib)]) or "" for _ in _tries())
    if not said:
        return {}, "the compiled probe did not run, so rates by data type are derived"
    return parse(said), f"products of each data type in registers, compiled by {Path(compiler).name}"


def parse(said: str) -> dict[str, float]:
    """Lines of measure.c; of two units for a data type (AVX-512 and AMX), and of several tries, the fastest counts."""
    rates: dict[str, float] = {}
    for line in said.splitlines():
        name, _, number = line.partition(" ")
        rates[name] = max(rates.get(name, 0.0), float(number))
    return rates


def _run(words: list[str]) -> str | None:
    try:
        done = run(words, limit_s=_LIMIT_S)
    except OSError:
        return None
    return done.out if done.code == 0 else None


def with_rates(cpu: Cpu, rates: CpuRates) -> Cpu:
    """The processor with measured figures in place of derived ones.

    Without units of its own bf16 runs at the fp32 rate at best, so that entry follows fp32.
    """
    flops = {**cpu.dense_flops, **rates.dense_flops}
    if "fp32" in rates.dense_flops and "bf16" not in rates.dense_flops:
        flops["bf16"] = rates.dense_flops["fp32"]
    return replace(
        cpu,
        bandwidth_bytes_per_s=rates.bandwidth_bytes_per_s or cpu.bandwidth_bytes_per_s,
        dense_flops=flops,
        basis="measured" if rates.bandwidth_bytes_per_s else cpu.basis,
    )
