"""How weights divide over tensor- and pipeline-parallel ranks; the fullest rank decides what fits."""

from __future__ import annotations

import math
from typing import NamedTuple

from advisor.catalog.entries import WeightsFormat
from advisor.physics.memo import by_identity
from advisor.physics.memory.formula import formula_bytes, group_bytes
from advisor.physics.memory.kv import shard_share
from advisor.physics.memory.layout import TensorGroup, tensor_groups
from advisor.physics.memory.weights import weight_bytes
from advisor.schema import ModelSpec

FIRST_STAGE = ("embedding", "lookup", "vision")
LAST_STAGE = ("head",)
REPLICATED = ("norm", "router")


class RankBytes(NamedTuple):
    """Weights of one tensor-parallel rank, by where they lie in the pipeline."""

    first: float  # embeddings and vision tower
    layers: float  # all layers together
    last: float  # output head, also when it is a copy of the tied embedding


def _rank_share(model: ModelSpec, group: TensorGroup, tensor_parallel: int) -> float:
    """Part of a group that one tensor-parallel rank holds."""
    if group.role in REPLICATED:
        return 1.0
    if group.role in ("k", "v"):
        return shard_share(model, tensor_parallel)
    if group.role == "latent" and model.mla_kv_lora_rank:
        down = model.hidden * (model.mla_kv_lora_rank + (model.mla_rope_dim or 0)) * group.layers
        shared = min(down / group.elements, 1.0)  # the projection to the latent is on every rank
        return shared + (1.0 - shared) / tensor_parallel
    return 1.0 / tensor_parallel


@by_identity
def rank_bytes(model: ModelSpec, fmt: WeightsFormat, tensor_parallel: int) -> RankBytes:
    """Weights of one of `tensor_parallel` ranks, before the pipeline divides the layers."""
    first = layers = last = 0.0
    scale = weight_bytes(model, fmt).total_bytes / formula_bytes(model, fmt).total_bytes
    for group in tensor_groups(model):
        size = scale * group_bytes(model, fmt, group) * _rank_share(model, group, tensor_parallel)
        if group.role in FIRST_STAGE:
            first += size
        elif group.role in LAST_STAGE:
            last += size
        else:
            layers += size
    return RankBytes(first, layers, last)


def stage_layers(layers: int, pipeline_parallel: int, share: float | None = None) -> int:
    """Layers of the longest pipeline stage, or of the one that holds that share of the model's."""
    return -(-layers // pipeline_parallel) if share is None else math.ceil(layers * share - 1e-9)


def stage_bytes(
    model: ModelSpec, fmt: WeightsFormat, tensor_parallel: int, pipeline_parallel: int, part: float | None = None
) -> tuple[float, float]:
    """Weights of the fullest rank in the first and in the last pipeline stage (the same for one stage).

    Args:
        part: of all layers in the stage; None: they are shared evenly.
    """
    first, layers, last = rank_bytes(model, fmt, tensor_parallel)
    if pipeline_parallel == 1:
        whole = first + layers + last
        return whole, whole
    share = layers * stage_layers(model.layers, pipeline_parallel, part) / model.layers
    if model.tied_embeddings:
        last = first  # the last stage needs its own copy
    return first + share, share + last
