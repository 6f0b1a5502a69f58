"""Chat template and system prompt of an Ollama model, and what of them vLLM is given."""

from __future__ import annotations

import json
import re

from advisor.migrate.checkpoint import TEMPLATE_FILE, checkpoint_template
from advisor.migrate.found import FoundModel
from advisor.migrate.rows import Row
from advisor.models.purpose import purpose
from advisor.schema import ModelSpec

_MOST_PROMPT = 64_000  # characters of a system prompt that a template carries
_SOURCE = "engines-ollama-modelfile"
_BEFORE = (
    "{%- if not messages or messages[0]['role'] != 'system' -%}\n"
    "{%- set messages = [{'role': 'system', 'content': SAID}] + messages -%}\n"
    "{%- endif -%}\n"
)
# What `ollama create` gives a GGUF that brings no template: one text after the other, and no place for a system prompt.
_BARE = re.compile(r"\s*\{\{-?\s*\.Prompt\s*-?\}\}\s*(\{\{-?\s*\.Response\s*-?\}\}\s*)?")
_WORDS = "{%- for message in messages if message['role'] != 'system' -%}{{- message['content'] -}}{%- endfor -%}\n"
_BEGIN = "{{- bos_token -}}\n"


def prompting(found: FoundModel, model: ModelSpec) -> tuple[list[Row], str | None]:
    """What becomes of both, and the template that vLLM is given; None: the checkpoint's own."""
    own = checkpoint_template(model)
    bare = _bare(found, model) if own is None else None
    base = own or found.chat_template or bare
    rows = [_template_row(found, model, own, bare)]
    if not found.system:
        return rows, None if own or model.path is None else base or None
    if bare is not None:
        unheard = f"nothing, as before: the template {found.template.strip()} has no place for it in Ollama either"
        return [*rows, _system(found, unheard, kept=True)], bare
    if not base or len(found.system) > _MOST_PROMPT:
        why = "it is too long for a template" if base else "its chat template cannot be read from here"
        return [*rows, _system(found, f"clients must send it as the first message: {why}", kept=False)], None
    becomes = f"{TEMPLATE_FILE} puts it before chats that have no system message"
    return [*rows, _system(found, becomes, kept=True)], with_system(base, found.system)


def refuses_chats(found: FoundModel, model: ModelSpec) -> bool:
    """Whether vLLM answers a chat with 400: there is no chat template in its folder, and none that can be given."""
    has = checkpoint_template(model) or found.chat_template or _bare(found, model)
    return purpose(model) == "text" and model.path is not None and not has


def with_system(template: str, system: str) -> str:
    """The same chat template with a system message before every chat that brings none."""
    return _BEFORE.replace("SAID", json.dumps(system, ensure_ascii=False)) + template


def _bare(found: FoundModel, model: ModelSpec) -> str | None:
    """The bare template of Ollama in Jinja, where weights that lie here have no other."""
    if model.path is None or found.chat_template or not _BARE.fullmatch(found.template):
        return None
    return (_BEGIN if found.begins else "") + _WORDS


def _system(found: FoundModel, becomes: str, *, kept: bool) -> Row:
    return Row(what="SYSTEM", was=found.system, becomes=becomes, kept=kept, source=_SOURCE)


def _template_row(found: FoundModel, model: ModelSpec, own: str | None, bare: str | None) -> Row:
    if bare is not None:
        becomes = f"{TEMPLATE_FILE} says the same in Jinja: the words of a chat one after the other"
        return Row(what="TEMPLATE", was=found.template.strip(), becomes=becomes, kept=True, source=_SOURCE)
    if refuses_chats(found, model):
        lost = (
            "nothing: the folder has no chat template, and Ollama's is in Go's language: vLLM refuses chats (400); "
            f"clients use /v1/completions, or write it in Jinja as {TEMPLATE_FILE} into the folder and migrate again"
        )
        return Row(what="TEMPLATE", was="Ollama's (Go)", becomes=lost, kept=False, source=_SOURCE)
    if found.own_template:
        lost = (
            "nothing: the checkpoint's own (Jinja) is used; clients must send what this one adds, or write it in Jinja"
        )
        was = "its own (Go), another than that of the model it was made from"
        return Row(what="TEMPLATE", was=was, becomes=lost, kept=False, source=_SOURCE)
    whose = (
        "that of the folder"
        if own
        else "the one in its file"
        if model.path is not None
        else "the checkpoint's own (Jinja)"
    )
    return Row(
        what="TEMPLATE", was="Ollama's (Go)", kept=True, source=_SOURCE,
        becomes=f"{whose}; the comparison shows whether answers differ",
    )  # fmt: skip
