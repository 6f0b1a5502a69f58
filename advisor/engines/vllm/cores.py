"""vLLM on a CPU: how many cores compute, and how many are left to its other processes.

By itself vLLM keeps one core for scheduler and API server. On few cores these are better off sharing: of two cores a
whole one is half of the arithmetic, and the others use a twentieth of it (measured: 1.2, 1.4 and 1.7 times the
output at 1, 4 and 16 in flight, tests/benchmarks/results-2core-avx2.md). Of many cores one is little, and
there are more tokens to send out: a thread that is held up by that holds up all others at the end of each product.
"""

from __future__ import annotations

from advisor.schema import Candidate, Cpu

RESERVED_BY_DEFAULT = 1
FEW_CORES = 3  # two were measured; from four on the default stands


def compute_threads(cpu: Cpu) -> int:
    """Threads that the plan lets compute."""
    cores = max(int(cpu.cores), 1)
    return cores if cores <= FEW_CORES else cores - RESERVED_BY_DEFAULT


def threads_of(candidate: Candidate, cpu: Cpu) -> int:
    """Threads that compute with this candidate; by itself vLLM leaves one core out, if there are two."""
    return candidate.cpu_threads or max(int(cpu.cores) - RESERVED_BY_DEFAULT, 1)
