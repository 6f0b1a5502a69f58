"""What a vLLM rank has taken before its KV cache: weights, activation peak, non-torch memory, CUDA graphs.

The few constants are those of data/memory.yaml, fitted to 47 measured start-ups (vllm-memory-v0.19-h100).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.catalog import constants, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.engines.vllm.adapters import adapter_bytes
from advisor.frozen import replace
from advisor.models.purpose import purpose
from advisor.physics.memo import by_value_and_identity
from advisor.physics.memory.blocks import matrices
from advisor.physics.memory.cards import cards_of_replica
from advisor.physics.memory.kv import scratch_channels
from advisor.physics.memory.shards import stage_bytes, stage_layers
from advisor.physics.memory.weights import vision_bytes
from advisor.schema import Candidate, Hardware, ModelSpec
from advisor.units import GIB, MIB, version_tuple

GRAPH_EDGES = (1, 2, 4)  # the smallest captured batches; then every 8th to 256, every 16th after


class Consumed(NamedTuple):
    """Bytes on one rank that are not KV cache."""

    weights: float
    activation: float
    non_torch: float
    graphs: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.activation + self.non_torch + self.graphs


def known() -> Mapping[str, Any]:
    """The constants of this engine."""
    constants_of_vllm: Mapping[str, Any] = constants("memory")["vllm"]
    return constants_of_vllm


class Stage(NamedTuple):
    """One pipeline stage of unequal ones."""

    number: int
    layers: int
    share: float  # of all layers


def stages(candidate: Candidate) -> tuple[Stage, ...]:
    """The stages of a candidate whose cards are unequal; none where layers are shared evenly."""
    every = sum(candidate.stage_layers)
    return tuple(Stage(number, layers, layers / every) for number, layers in enumerate(candidate.stage_layers))


def consumed(candidate: Candidate, hardware: Hardware, model: ModelSpec, stage: Stage | None = None) -> Consumed:
    """Everything on the fullest GPU rank, or on one of that stage, that is not KV cache."""
    rank = replace(candidate, model_ref="", gpu_indices=(), replicas=1, nodes=1, kv_cache_dtype="auto")
    weights, activation, graphs = _own((rank, stage), model)
    return Consumed(weights, activation, non_torch_bytes(candidate, hardware), graphs)


@by_value_and_identity
def _own(asked: tuple[Candidate, Stage | None], model: ModelSpec) -> tuple[float, float, float]:
    """Weights, activation peak and graphs: of a rank of one split the same on every card and beside any others."""
    candidate, stage = asked
    fmt = weights_format(candidate.weights_format)
    part = None if stage is None else stage.share
    first, last = stage_bytes(model, fmt, candidate.tensor_parallel, candidate.pipeline_parallel, part)
    if candidate.text_only:
        first -= vision_bytes(model, fmt) / candidate.tensor_parallel
        last -= vision_bytes(model, fmt) / candidate.tensor_parallel if candidate.pipeline_parallel == 1 else 0.0
    forward, sampling = activation_bytes(candidate, model, fmt)
    extra = float(known()["weights_extra_gib"]) * GIB
    ends = [(first + extra, forward), (last + extra, sampling)]
    if stage is not None:
        ends = ends[:1] if stage.number + 1 < candidate.pipeline_parallel else ends[1:]
    weights, activation = max(ends, key=sum)
    weights += adapter_bytes(model) * (stage_layers(model.layers, candidate.pipeline_parallel, part) / model.layers)
    return weights, activation, graph_bytes(candidate, model, part)


def activation_bytes(candidate: Candidate, model: ModelSpec, fmt: WeightsFormat) -> tuple[float, float]:
    """Peaks of the profiling run: of a layer over a full batch, and of sampling after the last layer."""
    width = 4 if fmt.compute == "fp32" else 2
    tokens = candidate.max_batched_tokens
    hidden = tokens * model.hidden * width
    inner = model.intermediate if not model.experts or model.first_dense_layers else 0
    dense = tokens * matrices(model) * inner / candidate.tensor_parallel * width
    experts = _expert_workspace(model, tokens, candidate.tensor_parallel) * width
    rows = min(candidate.max_in_flight, tokens) if purpose(model) == "text" else 0  # no sampler without text
    logits = rows * model.vocab * (float(known()["sampler_bytes_per_logit"]) + width)
    forward = float(known()["hidden_copies"]) * hidden + max(dense, experts) + linear_work_bytes(model)
    seen = 0.0 if candidate.text_only else vision_profile_bytes(model)
    last = seen if candidate.pipeline_parallel == 1 else 0.0
    return max(forward, seen), max(forward, logits + hidden + experts, last)


def linear_work_bytes(model: ModelSpec) -> float:
    """Work space of linear layers within the profiled peak."""
    share = scratch_channels(model) / float(known()["linear_scratch_channels"])
    return float(known()["linear_work_gib"]) * GIB * share


def vision_profile_bytes(model: ModelSpec) -> float:
    """What the encoder takes for its largest picture; it is profiled before the language model, on its own."""
    each = float(known()["vision_profile_bytes_per_root_parameter"])
    return each * math.sqrt(model.vision_parameters) if model.multimodal else 0.0


def _expert_workspace(model: ModelSpec, tokens: int, tensor_parallel: int) -> float:
    """Elements of the two buffers that the fused expert kernel keeps between its products."""
    if not model.experts:
        return 0.0
    inner = model.expert_intermediate / tensor_parallel
    return tokens * model.experts_per_token * (max(2 * inner, model.hidden) + inner)


def non_torch_bytes(candidate: Candidate, hardware: Hardware) -> float:
    """CUDA modules, and NCCL with its buffers where several cards work together."""
    sizes = known()["non_torch_gib"]
    size = float(sizes["single"])
    if candidate.tensor_parallel > 1:
        linked = all(
            card.nvlink_peers and card.device_class == "datacenter" for card in cards_of_replica(candidate, hardware)
        )
        size = float(sizes["tensor_parallel_nvlink" if linked else "tensor_parallel_pcie"])
    if candidate.pipeline_parallel > 1 and (candidate.tensor_parallel == 1 or candidate.nodes_of_replica > 1):
        size += float(sizes["pipeline_parallel"])
    return size * GIB


def graph_sizes(max_sequences: int) -> int:
    """How many batch sizes vLLM captures for that max_num_seqs: up to twice as many, 512 at most."""
    top = min(2 * max_sequences, 512)
    small = sum(size <= top for size in GRAPH_EDGES)
    return small + len(range(8, min(top, 256) + 1, 8)) + len(range(272, top + 1, 16))


def graph_bytes(candidate: Candidate, model: ModelSpec, part: float | None = None) -> float:
    """The CUDA graph estimate that vLLM subtracts (by default since 0.21)."""
    if candidate.eager:
        return 0.0
    if version_tuple(known()["version"]) < version_tuple(known()["graphs_subtracted_since"]):
        return 0.0
    factor = float(known()["graph_mla_factor"]) if model.mla_kv_lora_rank else 1.0
    each = float(known()["graph_mib_per_layer_and_size"]) * MIB * factor
    layers = stage_layers(model.layers, candidate.pipeline_parallel, part)
    fixed = float(known()["graph_fixed_gib"]) + (float(known()["hybrid_graphs_gib"]) if model.layers_linear else 0.0)
    captured = 2 if model.adapters else 1  # once with an adapter, once without
    return fixed * GIB + captured * layers * graph_sizes(candidate.max_in_flight) * each
