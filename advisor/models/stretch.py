"""Contexts longer than the trained one, where the model's card says that YaRN stretches it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants
from advisor.frozen import replace
from advisor.models.thinking import written_tokens
from advisor.schema import ModelSpec, Workload

_STEPS = 2  # of the factor, in one


def longest_context(model: ModelSpec) -> int:
    """Tokens that the model takes: as trained, or stretched as its card says."""
    known = constants("stretch")
    return max(model.context_trained, known["longest"]) if model.hf_id in known["models"] else model.context_trained


def as_it_reads(workload: Workload, model: ModelSpec) -> Workload:
    """The workload with a context that nobody asked for cut to what the model takes, where the mean request fits it."""
    need, longest = workload.input_tokens + written_tokens(workload, model), longest_context(model)
    return replace(workload, context_tokens=longest) if need <= longest < workload.context_tokens else workload


def stretch(model: ModelSpec, context_tokens: int) -> Mapping[str, Any] | None:
    """What replaces the config's own for such a context; None where it is within what was trained, or cannot be had."""
    if not model.context_trained < context_tokens <= longest_context(model):
        return None
    known = constants("stretch")
    factor = math.ceil(_STEPS * context_tokens / known["original"]) / _STEPS
    rope = {
        "rope_type": "yarn",
        "rope_theta": known["rope_theta"],
        "factor": factor,
        "original_max_position_embeddings": known["original"],
    }
    return {"rope_parameters": rope, "max_position_embeddings": int(factor * known["original"])}
