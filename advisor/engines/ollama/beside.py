"""Small models beside Ollama's: the same server holds them too, each in its own runner."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import engine_limits
from advisor.engines.beside import Beside, beside, wanted
from advisor.engines.vllm.beside import start
from advisor.engines.vllm.service import PORT
from advisor.quoting import shell
from advisor.schema import Check, Plan


def beside_checks(plan: Plan) -> Iterator[Check]:
    """A line for each such model: whether the store has it, and what brings it there."""
    for number, each in enumerate(beside(plan.hardware, plan.workload), 1):
        tag = each.model.ollama_tag
        yield Check(
            id=f"beside-{number}",
            fact=f"{each.model.hf_id} runs beside, in {'the same server' if tag else 'a server of its own'}",
            why=wanted(each),
            command=f"ollama show {shell(_name(each))} >/dev/null" if tag else None,
            expect="no output" if tag else "it answers there: Ollama's library does not hold this model",
            otherwise=_bring(each) if tag else start(each, PORT + number, plan.hardware, engine_limits("vllm").version),
            when="running",
        )


def _name(each: Beside) -> str:
    tag = each.model.ollama_tag or ""
    return tag if each.card else f"{tag.replace(':', '-')}-cpu"


def _bring(each: Beside) -> str:
    """The commands that give it to a server that is up: as it is in the library, or with all layers on the CPU."""
    tag = shell(each.model.ollama_tag or "")
    if each.card:
        return f"ollama pull {tag}"
    lines = shell(f"FROM {each.model.ollama_tag}\nPARAMETER num_gpu 0\n")
    return f"printf {lines} > Modelfile.beside && ollama create {shell(_name(each))} -f Modelfile.beside"
