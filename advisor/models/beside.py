"""Small models that run beside the one that is planned: those that make vectors of texts, or rank passages."""

from __future__ import annotations

from functools import cache

from advisor.errors import BadInput
from advisor.models.names import find_model
from advisor.models.purpose import purpose
from advisor.models.ranks import instead, ranker
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
            raise BadInput(
                f"{model.hf_id} writes text, and a plan is for one such model: plan it by itself (advisor recommend "
                f"--model {model.hf_id} --out FOLDER), and keep the memory that its plan takes free here, e.g. "
                f"--reserve 8GiB"
            )
        if purpose(model) == "scores" and ranker(model) is None:
            raise BadInput(f"{model.hf_id}: no engine comes to scores of it; take {instead()}")
    return tuple(found)
