"""Small models beside vLLM's: each is a server of its own, on the card that has room for it or on the CPU."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog.vendors import build_for
from advisor.engines.beside import Beside, beside, share
from advisor.engines.naming import served_name
from advisor.engines.places import joined
from advisor.engines.vllm.launch import image
from advisor.engines.vllm.service import BIND, PORT
from advisor.quoting import shell
from advisor.schema import Check, Plan

LONGEST = 2048  # tokens of a text: passages for retrieval are shorter, and pooling takes one in a single step


def beside_checks(plan: Plan) -> Iterator[Check]:
    """A line for each such model: whether it answers, and the command that starts it."""
    for number, each in enumerate(beside(plan.hardware, plan.workload), 1):
        name, port = served_name(each.model), PORT + number
        yield Check(
            id=f"beside-{number}",
            fact=f"{each.model.hf_id} runs beside, and answers on port {port}",
            why="questions about documents need its vectors; the room for it is kept free",
            command=f"curl -fsS http://{BIND}:{port}/v1/models | grep -F {shell(name)}",
            expect=name,
            otherwise=_start(each, name, port, plan),
            when="running",
        )


def _start(each: Beside, name: str, port: int, plan: Plan) -> str:
    longest = min(each.model.context_trained, LONGEST)
    words = [each.model.hf_id, "--runner", "pooling", "--served-model-name", name, "--max-model-len", str(longest)]
    words += ["--max-num-batched-tokens", str(longest), "--max-num-seqs", "16", "--host", BIND, "--port", str(port)]
    if each.card is None:
        inside = image(None, plan.hardware.cpu.architecture, plan.engine_version)
        run = ["docker", "run", "-d", "--network", "host", "-e", "VLLM_CPU_KVCACHE_SPACE=1", inside]
        return " ".join(map(shell, [*run, *words]))
    words += ["--gpu-memory-utilization", f"{share(each):.2f}"]
    variable = build_for(each.card, "vllm").cards_variable
    where = (
        f"{variable}={joined((each.card,), plan.hardware)} " if variable and len(plan.hardware.accelerators) > 1 else ""
    )
    return where + " ".join(map(shell, ["vllm", "serve", *words]))
