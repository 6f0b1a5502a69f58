"""How many cores of a CPU compute with vLLM."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.engines.vllm.cores import compute_threads, threads_of
from advisor.engines.vllm.propose import propose
from advisor.engines.vllm.sizing import as_installed
from tests.engines.engine_cases import CHAT, MODELS, machine, model


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (1.5, 1), (2, 2), (3, 3), (4, 3), (64, 63)])
def test_few_cores_all_compute(cores: float, threads: int) -> None:
    """Up to three cores none is kept back; of more, one is, as vLLM does by itself; one always computes."""
    assert compute_threads(replace(machine().cpu, cores=cores)) == threads


def test_the_default_keeps_one_core_back() -> None:
    """A candidate as installed computes on all cores but one, and on one where there is only one."""
    cpu = replace(machine().cpu, cores=2)
    hardware, spec = replace(machine(), cpu=cpu), model(MODELS[0])
    candidate = propose(hardware, CHAT, spec)[0]
    assert threads_of(candidate, cpu) == 2
    plain = as_installed(candidate, hardware, spec)
    assert threads_of(plain, cpu) == 1
    assert threads_of(plain, replace(cpu, cores=1)) == 1
