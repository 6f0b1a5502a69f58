"""What a model brings along besides its weights, and what becomes of it: carried over, or named as lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from advisor.catalog import constants
from advisor.engines.vllm.rows import flag
from advisor.migrate.mapping import Mapped
from advisor.migrate.prompting import prompting, refuses_chats
from advisor.migrate.rows import Row
from advisor.migrate.turns import needless
from advisor.models.purpose import purpose
from advisor.schema import Setting, value

GENERATION = "--override-generation-config"


@value
class Carried:
    """All of it, the settings that carry it, and the template that the server is given; None: the checkpoint's own."""

    rows: tuple[Row, ...]
    settings: tuple[Setting, ...] = ()
    template: str | None = None
    context_tokens: int | None = None
    chats: bool = True  # False: the new engine refuses them, and completes alone


def carried_to_vllm(mapped: Mapped) -> Carried:
    """What of an Ollama model vLLM is told."""
    found, model = mapped.found, mapped.model
    generation: dict[str, Any] = {}
    rows = [*_in_force(mapped), *_parameters(mapped, generation)]
    template = None
    if model is not None and purpose(model) == "text":
        told, template = prompting(found, model)
        rows += told
    rows += _beside(mapped)
    settings = []
    if generation:
        reason = f"the parameters of {found.name}, for requests that say nothing"
        settings.append(flag(GENERATION, json.dumps(generation), reason, "engines-ollama-modelfile"))
    return Carried(
        rows=tuple(rows), settings=tuple(settings), template=template, context_tokens=found.context_tokens,
        chats=model is None or not refuses_chats(found, model),
    )  # fmt: skip


def _in_force(mapped: Mapped) -> Iterator[Row]:
    """What the server was started with, as far as anything tells of it: its API tells neither slots nor cache type."""
    found, source = mapped.found, "engines-ollama-env"
    told = (
        (
            "OLLAMA_NUM_PARALLEL",
            "" if found.slots is None else str(found.slots),
            "--max-num-seqs, planned for the load",
        ),
        ("OLLAMA_KV_CACHE_TYPE", found.kv_type, "--kv-cache-dtype, planned anew"),
    )
    missing = "not told: its API says nothing of it, and the model is not loaded on this machine"
    for what, was, becomes in told:
        yield Row(what=what, was=was or missing, becomes=becomes, kept=True, source=source)


def _parameters(mapped: Mapped, generation: dict[str, Any]) -> Iterator[Row]:
    """Each parameter by the table; what goes into the generation defaults is put there."""
    table: Mapping[str, Mapping[str, Any]] = constants("migrating")["parameters"]
    for name, given in mapped.found.parameters:
        rule = table.get(name, {"to": "none", "note": "not known here", "source": "engines-ollama-modelfile"})
        by_itself = needless(mapped, given) if name == "stop" else None
        becomes, kept = (by_itself, True) if by_itself else _becomes(name, given, rule, generation)
        yield Row(what=f"PARAMETER {name}", was=given, becomes=becomes, kept=kept, source=rule["source"])


def _becomes(name: str, given: str, rule: Mapping[str, Any], generation: dict[str, Any]) -> tuple[str, bool]:
    note = f": {rule['note']}" if rule.get("note") else ""
    if rule["to"] == "generation":
        number = _number(given)
        if number is None or number < rule.get("least", number):
            return f"nothing: {given} means the engine's own choice", True
        generation[rule["key"]] = number
        return f"{rule['key']} of {GENERATION}{note}", True
    if rule["to"] == "context":
        return "the planned context (--max-model-len)", True
    if rule["to"] == "planned":
        return "planned anew for the other engine", True
    if rule["to"] == "request":
        return f"clients must send `{rule['key']}`{note}", False
    return f"nothing: vLLM has no {name}{note}", False


def _number(given: str) -> float | int | None:
    try:
        number = float(given)
    except ValueError:
        return None
    return int(number) if number.is_integer() and "." not in given else number


def _beside(mapped: Mapped) -> Iterator[Row]:
    """Adapters, and turns before every chat."""
    found = mapped.found
    for adapter in found.adapters:
        served = bool(mapped.model and mapped.model.adapters)
        becomes = "the adapter of --map, under its own name" if served else (
            f"nothing: GGUF adapters are read by Ollama alone; --map {found.name}=FOLDER with its adapter_config.json"
        )  # fmt: skip
        yield Row(what="ADAPTER", was=adapter, becomes=becomes, kept=served, source="engines-vllm-lora")
    if found.messages:
        was, becomes = f"{found.messages} turns", "nothing: clients must send them before each chat"
        yield Row(what="MESSAGE", was=was, becomes=becomes, kept=False, source="engines-ollama-modelfile")


def carried_to_ollama(mapped: Mapped) -> Carried:
    """What of a vLLM is known to go along: its context; the rest it does not tell."""
    source = "engines-api"
    unknown = "Ollama's own of that model; what your vLLM was started with its API does not tell"
    rows = [
        Row(what=what, was="not told", becomes=unknown, kept=False, source=source)
        for what in ("chat template", "generation defaults")
    ]
    lost = "nothing: Ollama 0.34 takes no adapters; merge it into the weights, and make a GGUF of them"
    rows += [Row(what="adapter", was=each, becomes=lost, kept=False, source=source) for each in mapped.found.adapters]
    return Carried(rows=tuple(rows), context_tokens=mapped.found.context_tokens)
