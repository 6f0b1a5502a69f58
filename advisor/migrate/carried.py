"""What a model brings along besides its weights, and what becomes of it: carried over, or named as lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from advisor.catalog import constants
from advisor.edge.reading import is_file, read_json, read_text
from advisor.engines.vllm.rows import flag
from advisor.errors import BadInput
from advisor.migrate.mapping import Mapped
from advisor.schema import ModelSpec, Setting, value
from advisor.smoke.load.events import at, mappings

TEMPLATE_FILE = "chat_template.jinja"
GENERATION = "--override-generation-config"
_MOST_PROMPT = 64_000  # characters of a system prompt that a template carries
_BEFORE = (
    "{%- if not messages or messages[0]['role'] != 'system' -%}\n"
    "{%- set messages = [{'role': 'system', 'content': SAID}] + messages -%}\n"
    "{%- endif -%}\n"
)


@value
class Row:
    """One thing of a model, and what becomes of it."""

    what: str
    was: str
    becomes: str
    kept: bool  # clients notice nothing
    source: str


@value
class Carried:
    """All of it, the settings that carry it, and the template that the server is given; None: the checkpoint's own."""

    rows: tuple[Row, ...]
    settings: tuple[Setting, ...] = ()
    template: str | None = None
    context_tokens: int | None = None


def carried_to_vllm(mapped: Mapped) -> Carried:
    """What of an Ollama model vLLM is told."""
    found, model = mapped.found, mapped.model
    generation: dict[str, Any] = {}
    rows = [*_in_force(mapped), *_parameters(mapped, generation)]
    template = None
    if model is not None:
        told, template = _prompting(mapped, model)
        rows += told
    rows += _beside(mapped)
    settings = []
    if generation:
        reason = f"the parameters of {found.name}, for requests that say nothing"
        settings.append(flag(GENERATION, json.dumps(generation), reason, "engines-ollama-modelfile"))
    return Carried(rows=tuple(rows), settings=tuple(settings), template=template, context_tokens=found.context_tokens)


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
        if (
            rule["to"] == "request"
            and name == "stop"
            and mapped.model is not None
            and given in ends_of_turn(mapped.model)
        ):
            becomes, kept = "the checkpoint's own end of a turn", True
        else:
            becomes, kept = _becomes(name, given, rule, generation)
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


def _prompting(mapped: Mapped, model: ModelSpec) -> tuple[list[Row], str | None]:
    """Chat template and system prompt."""
    found = mapped.found
    own = checkpoint_template(model)
    base = own or found.chat_template or None
    rows = [_template_row(mapped, model, own)]
    if not found.system:
        return rows, None if own or model.path is None else base
    source = "engines-ollama-modelfile"
    if base is None or len(found.system) > _MOST_PROMPT:
        why = "its chat template cannot be read from here" if base is None else "it is too long for a template"
        lost = f"clients must send it as the first message: {why}"
        return [*rows, Row(what="SYSTEM", was=found.system, becomes=lost, kept=False, source=source)], None
    becomes = f"{TEMPLATE_FILE} puts it before chats that have no system message"
    return [*rows, Row(what="SYSTEM", was=found.system, becomes=becomes, kept=True, source=source)], with_system(
        base, found.system
    )


def _template_row(mapped: Mapped, model: ModelSpec, own: str | None) -> Row:
    source = "engines-ollama-modelfile"
    if own is None and model.path is not None and not mapped.found.chat_template:
        lost = "nothing: the folder has no chat template, and Ollama's is in Go's language: clients use /v1/completions"
        return Row(what="TEMPLATE", was="Ollama's (Go)", becomes=lost, kept=False, source=source)
    if mapped.found.own_template:
        lost = (
            "nothing: the checkpoint's own (Jinja) is used; clients must send what this one adds, or write it in Jinja"
        )
        was = "its own (Go), another than that of the model it was made from"
        return Row(what="TEMPLATE", was=was, becomes=lost, kept=False, source=source)
    whose = (
        "that of the folder"
        if own
        else "the one in its file"
        if model.path is not None
        else "the checkpoint's own (Jinja)"
    )
    return Row(
        what="TEMPLATE", was="Ollama's (Go)", kept=True, source=source,
        becomes=f"{whose}; the comparison shows whether answers differ",
    )  # fmt: skip


def with_system(template: str, system: str) -> str:
    """The same chat template with a system message before every chat that brings none."""
    return _BEFORE.replace("SAID", json.dumps(system, ensure_ascii=False)) + template


def checkpoint_template(model: ModelSpec) -> str | None:
    """The chat template in a local folder; None: there is none, or the weights are not here."""
    if model.path is None or model.origin == "gguf":
        return None
    folder = Path(model.path)
    if is_file(folder / TEMPLATE_FILE):
        return read_text(folder / TEMPLATE_FILE)
    return _tokenizer(model, "chat_template")


def ends_of_turn(model: ModelSpec) -> tuple[str, ...]:
    """The tokens at which every engine stops, as a local folder tells; none: the weights are not here."""
    if model.path is None or model.origin == "gguf":
        return ()
    files = ("generation_config.json", "config.json")
    told = [at(_json(Path(model.path) / name), "eos_token_id") for name in files]
    numbers = {each for ids in told for each in (ids if isinstance(ids, list) else [ids])}
    added = mappings(at(_json(Path(model.path) / "tokenizer.json"), "added_tokens"))
    named = [each.get("content") for each in added if each.get("id") in numbers]
    return tuple(each for each in (*named, _tokenizer(model, "eos_token")) if isinstance(each, str))


def _json(path: Path) -> object:
    """What a file of the folder holds; None where it cannot be read."""
    try:
        return read_json(path)
    except BadInput:
        return None


def _tokenizer(model: ModelSpec, key: str) -> str | None:
    """A text of the folder's tokenizer_config.json."""
    if model.path is None or model.origin == "gguf":
        return None
    told = at(_json(Path(model.path) / "tokenizer_config.json"), key)
    return told if isinstance(told, str) else None


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
