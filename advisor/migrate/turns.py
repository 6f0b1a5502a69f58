"""Which stop words of a Modelfile need nobody's hand: those at which the checkpoint ends an answer by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants
from advisor.migrate.checkpoint import checkpoint_template, ends_of_turn, is_here
from advisor.migrate.found import FoundModel
from advisor.migrate.mapping import Mapped
from advisor.schema import ModelSpec

_END = "the checkpoint's own end of an answer: vLLM stops there by itself"
_MARK = "nothing that is missed: it only begins another turn, and vLLM stops at the end of the one before"


def needless(mapped: Mapped, stop: str) -> str | None:
    """Why no client has to send this stop word; None: only a client can say it."""
    model = mapped.model
    if model is None:
        return None
    family = _family(_template(mapped.found, model))
    ends = set(ends_of_turn(model)) if is_here(model) else set(family["ends"])
    if stop in ends:
        return _END
    return _MARK if stop in family["marks"] and ends & set(family["ends"]) else None


def _template(found: FoundModel, model: ModelSpec) -> str:
    """The chat template that the checkpoint has, as far as anything here tells it; empty: nothing does.

    That of the folder, or of the GGUF that was made from it; else Ollama's, unless somebody wrote it for a model of
    their own. A model that only completes has a template in many a GGUF, and does not end its answers by it.
    """
    if is_here(model):
        return checkpoint_template(model) or ""
    if "completion" in model.tags:
        return ""
    theirs = found.own_template is False or not (found.made_here or found.own_template)
    return found.chat_template or (found.template if theirs else "")


def _family(template: str) -> Mapping[str, Any]:
    nothing = {"ends": (), "marks": ()}
    return next((each for each in constants("migrating")["turns"] if each["word"] in template), nothing)
