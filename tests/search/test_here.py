"""What is in the way at the machine in front of us comes first, with its command, and is then a yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.probe.simulate import simulate
from advisor.schema import GpuProcess, Hardware
from advisor.search.here import free_steps
from advisor.search.nearest import nearest_yes
from advisor.verdict import verdict_for
from tests.test_laws import ask

GIB = 1024**3
DENSE = "Qwen/Qwen2.5-32B-Instruct"
EIGHT = "Qwen/Qwen3-8B"


def held(gpu: str, *free_gib: float, wsl: bool = False, process: GpuProcess | None = None) -> Hardware:
    """A machine with so much free on each card."""
    machine = simulate(gpu)
    cards = tuple(
        replace(card, free_bytes=int(free * GIB), processes=(process,) if process else ())
        for card, free in zip(machine.accelerators, free_gib, strict=True)
    )
    return replace(machine, accelerators=cards, wsl=wsl)


@pytest.mark.parametrize(
    ("machine", "model", "told"),
    [
        (held("2x RTX 3090", 6.9, 4.4, wsl=True), DENSE, "`wsl --shutdown`"),
        (held("RTX 4090", 2.0), EIGHT, "`nvidia-smi`"),
        (held("RX 7900 XTX", 3.0), EIGHT, "`rocm-smi --showpids`"),
        (
            held("RTX 4090", 2.0, process=GpuProcess(pid=42, name="python", used_bytes=21 * GIB)),
            EIGHT,
            "end python (`kill 42`, 21.0 GiB)",
        ),
        (replace(simulate("RTX 5060 Ti 16GB"), nvidia_driver="570.86.10"), EIGHT, "update the NVIDIA driver to 580"),
        (simulate("M4 Pro 24GB"), "Qwen/Qwen2.5-14B-Instruct", "`sudo sysctl iogpu.wired_limit_mb="),
    ],
    ids=["wsl", "nvidia", "amd", "process", "driver", "mac"],
)
def test_what_costs_nothing_at_this_machine_comes_first(machine: Hardware, model: str, told: str) -> None:
    """The first change names what to type here, and with it done the answer is yes."""
    engine = "vllm" if machine.nvidia_driver == "570.86.10" else "ollama"
    wishes = {"quantization": "q8_0"} if machine.os == "darwin" else {}
    question = ask(machine, model, engine=engine, users=1, ttft_ms=20000, tpot_ms=500, **wishes)
    assert not verdict_for(question, depth=False).meets_targets
    changes = nearest_yes(question)
    assert told in changes[0].change, changes
    (step, *_) = free_steps(question)
    assert step.change == changes[0].change and verdict_for(step.question, depth=False).meets_targets


def test_what_would_not_help_is_not_named() -> None:
    """Cards that are free, a driver that is new and a limit that is not the reason are no remedies."""
    question = ask(simulate("RTX 3060 12GB"), "meta-llama/Llama-3.3-70B-Instruct", users=1)
    assert not list(free_steps(question))
    tight = ask(held("RTX 3060 12GB", 4.0), "meta-llama/Llama-3.3-70B-Instruct", users=1)
    assert not list(free_steps(tight))


@pytest.mark.parametrize("gpu", ["2x RTX 3090", "4x RTX 3060 12GB", "8x A100 80GB"])
def test_fewer_of_the_cards_one_owns_are_no_remedy(gpu: str) -> None:
    """Whatever is held on the cards, one of the same kind is never to be bought in their place."""
    cards = simulate(gpu).accelerators
    question = ask(held(gpu, *(1.0 for _ in cards)), EIGHT, users=1)
    own = cards[0].name
    assert not any(f'--gpu "{own}"' in change.change for change in nearest_yes(question))
