"""What a repository stores of weights: as somebody read it, else by what its publisher's recipe may leave wide.

Makers of quantised checkpoints keep some layers in 16 bit, not all the same ones: linear attention, latent
projections, attention beside NVFP4 blocks, a draft head. The formula is the lowest case; the range holds the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from advisor.catalog import constants, hub_size
from advisor.catalog.entries import HubSize, WeightsFormat
from advisor.physics.memo import by_identity
from advisor.physics.memory.formula import formula_bytes, group_bytes
from advisor.physics.memory.layout import Role, tensor_groups
from advisor.schema import ModelSpec, value

WIDE_BYTES = 2.0  # of an element that a recipe leaves alone
ATTENTION: tuple[Role, ...] = ("q", "k", "v", "o", "qkv")
SHARED: tuple[Role, ...] = ("shared_gate", "shared_up", "shared_down", "gate", "up", "down")
NARROW_BITS = 6  # below it a format is one of 4 bit


@value
class Stored:
    """Bytes that a repository stores, between two bounds, and what the engine loads of them at most."""

    low_bytes: float
    high_bytes: float
    loaded_bytes: float
    kind: Literal["formula", "exact", "stated", "counted", "computed"]
    read_in: str
    source: str

    @property
    def spread(self) -> float:
        """Width of the range over its upper end: 0 where the size is known to the byte."""
        return 1 - self.low_bytes / self.high_bytes


def repository(model: ModelSpec, fmt: WeightsFormat) -> str | None:
    """The repository that holds the model in that format; None: none does, or the weights are local."""
    if model.path or fmt.kind == "gguf":
        return None
    if fmt.name in model.repos:
        return model.repos[fmt.name]
    return model.hf_id if fmt.name == model.native_format else None


@by_identity
def stored(model: ModelSpec, fmt: WeightsFormat) -> Stored:
    """The size of that repository: read by somebody where that is known, else computed."""
    if fmt.name in model.stored_bytes:
        size = float(model.stored_bytes[fmt.name])
        return Stored(
            low_bytes=size, high_bytes=size, loaded_bytes=size, kind="exact", read_in="the Hub", source="config_json"
        )
    name = repository(model, fmt)
    known = hub_size(name) if name else None
    if known is None or fmt.kind == "plain":
        return computed(model, fmt, name)
    return _read(model, fmt, known)


def _read(model: ModelSpec, fmt: WeightsFormat, known: HubSize) -> Stored:
    """A known size. Of an exact one the draft head is not loaded; a rounded one does not tell whether it is in it."""
    draft = max((known.parameters or 0) - model.parameters, 0)
    own = draft if draft < model.parameters * _recipes()["draft_share"] and known.kind == "exact" else 0
    width = fmt.linear_bits / 8 if _wide(fmt) else WIDE_BYTES
    return Stored(
        low_bytes=known.low_bytes,
        high_bytes=known.high_bytes,
        loaded_bytes=known.high_bytes - own * width,
        kind=known.kind,
        read_in=known.read_in,
        source=known.source,
    )


@by_identity
def computed(model: ModelSpec, fmt: WeightsFormat, name: str | None) -> Stored:
    """The range that a format's recipes span for this model; a point where they leave nothing open."""
    formula = formula_bytes(model, fmt).total_bytes
    if name is None or not _open(model, fmt):
        return _around(formula, formula, formula, "formula")
    rule, wide = _recipes(), _left_wide(model, fmt, name)
    draft = model.parameters * rule["draft_share"] * WIDE_BYTES if model.model_type in rule["draft_heads"] else 0.0
    most = (formula + wide) * (rule["above"] if wide or fmt.compute == "fp4" else 1.0)
    return _around(formula * rule["below"], most + draft * rule["above"], most, "computed")


def _open(model: ModelSpec, fmt: WeightsFormat) -> bool:
    """Whether recipes differ: never for a maker's own mix, nor for text models with one kind of layer."""
    if fmt.kind != "quantised" or (fmt.name == model.native_format and (_wide(fmt) or fmt.dense_bits is not None)):
        return False
    return (
        bool(model.layers_linear) or model.multimodal or fmt.compute == "fp4" or bool(model.experts and not _wide(fmt))
    )


def _wide(fmt: WeightsFormat) -> bool:
    return fmt.linear_bits >= NARROW_BITS


def _around(low: float, high: float, loaded: float, kind: Literal["formula", "computed"]) -> Stored:
    return Stored(low_bytes=low, high_bytes=high, loaded_bytes=loaded, kind=kind, read_in="", source="formats")


def _left_wide(model: ModelSpec, fmt: WeightsFormat, name: str) -> float:
    """Bytes above the formula where a recipe leaves alone all that any recipe of that format does."""
    owner, _, title = name.lower().partition("/")
    rule, hybrid = _recipes(), bool(model.layers_linear)
    if _wide(fmt) and owner == model.hf_id.partition("/")[0].lower():
        return 0.0  # the maker's own 8-bit copy quantises every layer
    copied = model.vocab * model.hidden * WIDE_BYTES if model.tied_embeddings and "qat" in title else 0.0
    if hybrid and owner in rule["whole"] and "bf16" not in title and fmt.compute != "fp4":
        return copied + model.parameters * max(float(rule["finest_bits"]) - fmt.linear_bits, 0.0) / 8
    plain = not (hybrid or model.experts or model.multimodal)
    if plain and fmt.compute == "fp4" and owner in rule["dense"]:
        return copied
    kept, width = _kept_roles(model, fmt), WIDE_BYTES
    if hybrid and owner in rule["mixed"] and fmt.compute == "fp4":
        width = WIDE_BYTES / 2
    groups = [group for group in tensor_groups(model) if group.role in kept]
    return copied + sum(max(group.elements * width - group_bytes(model, fmt, group), 0.0) for group in groups)


def _kept_roles(model: ModelSpec, fmt: WeightsFormat) -> tuple[Role, ...]:
    """What recipes of that format leave in 16 bit in such a model."""
    kept: tuple[Role, ...] = ("linear",) if model.layers_linear else ()
    if _wide(fmt):
        return kept
    if fmt.compute == "fp4":
        kept = (*kept, "latent", *ATTENTION)
    if model.experts:
        kept = (*kept, "latent", *ATTENTION, *SHARED)
    return tuple(dict.fromkeys(kept))


def _recipes() -> Mapping[str, Any]:
    known: Mapping[str, Any] = constants("memory")["recipes"]
    return known
