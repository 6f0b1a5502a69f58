"""How many bytes of weights a Hub repository stores, by the index of its safetensors; asked once, then remembered.

The answer lies in ${XDG_CACHE_HOME:-~/.cache}/advisor/hub_bytes.json. A Hub that does not answer changes nothing: the
size is computed then, with a range.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.catalog import hub_size
from advisor.edge.reading import at_home, read_json
from advisor.errors import BadInput
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

MOST_BYTES = 10**14  # of weights that anybody could store


def with_hub_bytes(model: ModelSpec, fmt: WeightsFormat | None) -> ModelSpec:
    """The model with the bytes of its repository in that format, where a formula leaves them open and the Hub tells."""
    if fmt is None or fmt.kind != "quantised":
        return model
    repository = model.repos.get(fmt.name, model.hf_id)
    mixed = bool(model.layers_linear) or model.multimodal or bool(model.experts) or fmt.compute == "fp4"
    if not mixed or hub_size(repository) is not None:
        return model
    size = hub_bytes(repository)
    return model if size is None else replace(model, stored_bytes={**model.stored_bytes, fmt.name: size})


def hub_bytes(repository: str) -> int | None:
    """Bytes of all tensors of a repository, None where the Hub does not tell."""
    known = _remembered()
    found = known.get(repository.lower())
    if found is None:
        found = _asked(repository)
        if found is not None:
            _remember({**known, repository.lower(): found})
    return found


def _asked(repository: str) -> int | None:
    """`total_size` of the index that lies beside sharded safetensors."""
    from advisor.models.hub import ENDPOINT, fetch_json

    try:
        index = fetch_json(f"{ENDPOINT}/{repository}/raw/main/model.safetensors.index.json", repository, "")
    except BadInput:
        return None
    about = index.get("metadata")
    size = about.get("total_size") if isinstance(about, dict) else None
    return size if type(size) is int and 0 < size < MOST_BYTES else None


def _place() -> Path:
    return at_home(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "advisor" / "hub_bytes.json"


def _remembered() -> Mapping[str, int]:
    """What was asked before; a file that cannot be understood counts as empty."""
    try:
        loaded = read_json(_place())
    except BadInput:
        return {}
    known = loaded if isinstance(loaded, dict) else {}
    return {name: size for name, size in known.items() if type(size) is int and 0 < size < MOST_BYTES}


def _remember(known: Mapping[str, int]) -> None:
    """Keep the answers; a folder that cannot be written to costs the next run another question."""
    with contextlib.suppress(OSError):
        _place().parent.mkdir(parents=True, exist_ok=True)
        _place().write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")
