"""What an engine leaves of a host's memory to the rest of the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.engines import ENGINES
from advisor.schema import Candidate, Hardware, Memory
from advisor.units import GIB, MIB
from tests.engines.engine_cases import CHAT, MACHINES, model

RESERVE_GIB = {"ollama": 1, "vllm": 2}
SLACK = 4 * MIB  # a cache is whole blocks
SMALL = model("Qwen/Qwen2.5-1.5B-Instruct")


def with_available(hardware: Hardware, memory_bytes: int) -> Hardware:
    """The machine while others leave so much of its memory."""
    return replace(hardware, cpu=replace(hardware.cpu, available_bytes=memory_bytes))


def sized(engine: str, way: Candidate, available_bytes: int) -> Memory:
    """The engine's account with so much memory available."""
    return ENGINES[engine].memory(way, with_available(MACHINES["laptop-cpu"], available_bytes), SMALL)


@pytest.mark.parametrize("engine", RESERVE_GIB)
def test_a_processor_keeps_a_reserve_for_the_machine(engine: str) -> None:
    """On a CPU an engine fits where its need and the reserve are available, and not with a few megabytes less."""
    way = next(c for c in ENGINES[engine].propose(MACHINES["laptop-cpu"], CHAT, SMALL) if c.device == "cpu")
    way = replace(way, max_in_flight=1, kv_cache_bytes=GIB if engine == "vllm" else None)
    plenty = sized(engine, way, 64 * GIB)
    needed = plenty.weights_bytes + plenty.kv_bytes + plenty.activation_bytes + plenty.overhead_bytes
    enough = needed + RESERVE_GIB[engine] * GIB
    assert sized(engine, way, enough + SLACK).fits
    assert not sized(engine, way, enough - SLACK).fits


def test_layers_on_the_cpu_keep_it_too() -> None:
    """Layers that Ollama leaves in host memory fit a machine that keeps the reserve beside them, and none with less."""
    hardware, large = MACHINES["rtx-4090"], model("meta-llama/Llama-3.3-70B-Instruct")
    way = replace(ENGINES["ollama"].propose(hardware, replace(CHAT, allow_offload=True), large)[0], cpu_layers=50)

    def short(available_bytes: int) -> int:
        return ENGINES["ollama"].memory(way, with_available(hardware, available_bytes), large).short_bytes

    needed = short(0)
    assert needed > 10 * GIB
    assert short(needed + GIB + SLACK) == 0 and short(needed + GIB - SLACK) > 0
