"""What the licence of a model means for who serves it, by data/licences.yaml: no legal advice."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Literal

from advisor.catalog import constants
from advisor.schema import ModelSpec, value

_UNSTATED = ("", "unknown", "not specified", "other")


@value
class Licence:
    """One licence, or several with the same limits."""

    ids: tuple[str, ...]  # strings of the Hub's metadata
    kind: Literal["free", "limited", "noncommercial", "own"]
    offered: bool  # a model under it is picked where none was named
    title: str
    terms: str  # what limits a service; empty: nothing
    url: str


@functools.cache
def _by_id() -> Mapping[str, Licence]:
    entries = (Licence(**{**entry, "ids": tuple(entry["ids"])}) for entry in constants("licences")["licences"])
    return {name: licence for licence in entries for name in licence.ids}


def licence_of(model: ModelSpec) -> Licence:
    """The licence of a model; one that the table does not hold is the maker's own, read by nobody."""
    stated = constants("licences")["by_model"].get(model.hf_id, "") if model.licence in _UNSTATED else model.licence
    name = stated.strip().lower()
    known = _by_id().get(name)
    if known is not None:
        return known
    page = f"https://huggingface.co/{model.hf_id}" if "/" in model.hf_id and model.path is None else ""
    title = "no licence that is known here" if name in _UNSTATED else f"its maker's own licence ({model.licence})"
    terms = "whether and how it may be used commercially was not read for this table"
    return Licence(ids=(name,), kind="own", offered=False, title=title, terms=terms, url=page)


def limits(model: ModelSpec) -> str:
    """The licence and its limits in one line; empty where nothing needs to be said."""
    licence = licence_of(model)
    if licence.kind == "free" or ((model.origin != "catalogue" or model.path) and model.licence in _UNSTATED):
        return ""  # nothing limits it, or it is somebody's own
    return f"{licence.title}: {licence.terms}" + (f" ({licence.url})" if licence.url else "")
