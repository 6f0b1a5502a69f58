"""Small models that run beside the one that is planned: those that make vectors of texts, or rank passages."""

from __future__ import annotations

from functools import cache

from advisor.errors import BadInput
from advisor.models.names import find_model
from advisor.models.purpose import purpose
from advisor.schema import ModelSpec

NONE = "none"


@cache
def helpers(text: str | None) -> tuple[ModelSpec, ...]:
    """The models of a list with commas; none of `none`.

    Raises:
        BadInput: a name that the catalogue does not hold, or a model that writes text.
    """
    names = [name.strip() for name in (text or NONE).split(",")]
    found = [find_model(name, offline=True) for name in names if name and name != NONE]
    for model in found:
        if purpose(model) == "text":
            raise BadInput(f"{model.hf_id} writes text: plan it by itself, and give its memory by --reserve")
    return tuple(found)
