"""How vLLM makes scores of a model that ranks passages: with the model's own head, or with a word that it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from advisor.catalog import constants
from advisor.schema import ModelSpec, value


@value
class Ranker:
    """What vLLM has to be told so that a model ranks passages."""

    overrides: Mapping[str, Any] = field(default_factory=dict)  # of the model's config; none where its head is its own
    template: str | None = None  # a file of vLLM's examples: the words around question and passage


def ranker(model: ModelSpec) -> Ranker | None:
    """How scores come of it; None: vLLM has no way that its documentation names."""
    table = constants("rerankers")
    family = _family(model, table["families"])
    renamed = table["renamed"].get(model.architecture)
    if renamed:
        return Ranker(overrides={"architectures": [renamed]}, template=family.get("template"))
    if model.architecture in table["heads"]:
        return Ranker(template=family.get("template"))
    if "as" not in family:
        return None
    overrides = {"architectures": [family["as"]], "classifier_from_token": family["words"], **family["more"]}
    return Ranker(overrides=overrides, template=family["template"])


def instead() -> str:
    """A ranker that is loaded as it is, for whoever named one that is not."""
    name: str = constants("rerankers")["instead"]
    return name


def _family(model: ModelSpec, families: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """By the name, fine-tunes and copies included."""
    name = model.hf_id.rpartition("/")[2].lower()
    return next((entry for key, entry in families.items() if key in name), {})
