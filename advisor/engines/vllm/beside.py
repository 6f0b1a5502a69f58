"""Small models beside vLLM's: each is a server of its own, on the card that has room for it or on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.catalog.vendors import build_for
from advisor.engines.beside import Beside, beside, share, wanted
from advisor.engines.naming import served_name
from advisor.engines.places import joined
from advisor.engines.vllm.launch import image
from advisor.engines.vllm.needs import CHAT_TEMPLATE, EXAMPLES, fetched, needs
from advisor.engines.vllm.service import BIND, PORT
from advisor.quoting import shell
from advisor.schema import Check, Hardware, Plan

LONGEST = 2048  # tokens of a text: passages for retrieval are shorter, and pooling takes one in a single step


def beside_checks(plan: Plan) -> Iterator[Check]:
    """A line for each such model: whether it answers, and the command that starts it."""
    for number, each in enumerate(beside(plan.hardware, plan.workload), 1):
        name, port = served_name(each.model), PORT + number
        yield Check(
            id=f"beside-{number}",
            fact=f"{each.model.hf_id} runs beside, and answers on port {port}",
            why=wanted(each),
            command=f"curl -fsS http://{BIND}:{port}/v1/models | grep -F {shell(name)}",
            expect=name,
            otherwise=start(each, port, plan.hardware, plan.engine_version),
            when="running",
        )


def start(each: Beside, port: int, hardware: Hardware, version: str) -> str:
    """The command that starts one of them, on its card or with the build for CPUs."""
    longest = str(min(each.model.context_trained, LONGEST))
    words = [each.model.hf_id, "--runner", "pooling", "--served-model-name", served_name(each.model)]
    words += ["--max-model-len", longest, "--max-num-batched-tokens", longest, "--max-num-seqs", "16"]
    words += ["--host", BIND, "--port", str(port)]
    for setting in needs(each.model, each.model.hf_id):
        words += [setting.name, *([] if setting.value is None else [setting.value])]
    fetch = f"{fetched(words[-1], version)} && " if CHAT_TEMPLATE in words else ""
    if each.card is None:
        inside = image(None, hardware.cpu.architecture, version)
        run = ["docker", "run", "-d", "--network", "host", "-e", "VLLM_CPU_KVCACHE_SPACE=1"]
        mount = f' -v "$PWD/{EXAMPLES}:/{EXAMPLES}:ro"' if fetch else ""
        inner = [f"/{word}" if word.startswith(f"{EXAMPLES}/") else word for word in words]
        return f"{fetch}{_line(run)}{mount} {_line([inside, *inner])}"
    words += ["--gpu-memory-utilization", f"{share(each):.2f}"]
    variable = build_for(each.card, "vllm").cards_variable
    where = f"{variable}={joined((each.card,), hardware)} " if variable and len(hardware.accelerators) > 1 else ""
    return f"{fetch}{where}{_line(['vllm', 'serve', *words])}"


def _line(words: Sequence[str]) -> str:
    return " ".join(map(shell, words))
