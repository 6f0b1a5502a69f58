"""Whether a repository of the Hub wants a login before it lets its files go."""

from __future__ import annotations

from advisor.schema import ModelSpec


def is_gated(model: ModelSpec, ref: str) -> bool:
    """Its maker's own repository of a gated model; copies by others are open as a rule."""
    return bool(model.gated) and model.path is None and ref.partition("/")[0] == model.hf_id.partition("/")[0]
