"""Small models that run beside the one that is planned: those that make vectors of texts, or rank passages."""

from __future__ import annotations

import math
from functools import cache

from advisor.errors import BadInput
from advisor.models.names import find_model
from advisor.models.purpose import purpose
from advisor.models.ranks import instead, ranker
from advisor.schema import ModelSpec
from advisor.units import GIB

NONE = "none"
_FOUR_BITS = 4.8 / 8  # bytes a parameter of the usual 4-bit forms
_BESIDE_WEIGHTS = 1.25  # cache and buffers of one to few people
_OF_ENGINE = 1.5 * GIB


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
            raise BadInput(_two_that_write(model), near=NONE)
        if purpose(model) == "scores" and ranker(model) is None:
            raise BadInput(f"{model.hf_id}: no engine comes to scores of it; take {instead()}")
    return tuple(found)


def _two_that_write(model: ModelSpec) -> str:
    """What to do instead: two plans, each of which leaves the other's memory free."""
    takes = math.ceil((model.parameters * _FOUR_BITS * _BESIDE_WEIGHTS + _OF_ENGINE) / GIB)
    return (
        f"{model.hf_id} writes text, and a plan is for one such model. Two share a machine as two plans: this one with "
        f"--reserve {takes}GiB in place of --with (in 4 bits the other takes about that), then advisor recommend "
        f"--model {model.hf_id} --out OTHER --reserve with what this plan takes. Two that one server answers for "
        f"already are planned together by advisor migrate"
    )
