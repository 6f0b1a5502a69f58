"""Bytes of a model's weights by part and format, and how many of them one step over some tokens reads."""

from __future__ import annotations

from advisor.catalog import constants, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.physics.memo import by_identity
from advisor.physics.memory import gguf_mix
from advisor.physics.memory.formula import PART, WeightBytes, formula_bytes, group_bytes
from advisor.physics.memory.layout import Role, TensorGroup, tensor_groups
from advisor.physics.memory.stored import stored
from advisor.schema import ModelSpec

SENTENCEPIECE_VOCAB = 33_000  # up to here vocabularies come without merges (Llama 2, Mistral 7B)
UNREAD: tuple[Role, ...] = ("embedding", "lookup", "vision")  # not read when a token is generated


@by_identity
def weight_bytes(model: ModelSpec, fmt: WeightsFormat) -> WeightBytes:
    """Bytes of the weights by part.

    A local file's exact size beats the formula. It is the size as stored: what the engine turns into another format
    while loading (16 bit to 32, or to FP8) keeps the ratio of file to formula. Of a quantised repository it is what
    certainly suffices: the upper end of what is known of its size.
    """
    size = formula_bytes(model, fmt)
    if model.file_bytes:
        scale = model.file_bytes / formula_bytes(model, weights_format(model.native_format)).total_bytes
    else:
        scale = stored(model, fmt).loaded_bytes / size.total_bytes
    return WeightBytes(**{part: getattr(size, part) * scale for part in WeightBytes.__dataclass_fields__})


def vision_bytes(model: ModelSpec, fmt: WeightsFormat) -> float:
    """Bytes of the vision tower, which a start for text alone does not load; 16 bit in every checkpoint."""
    return sum(group_bytes(model, fmt, group) for group in tensor_groups(model) if group.role == "vision")


def file_bytes(model: ModelSpec, fmt: WeightsFormat) -> float:
    """Bytes to download and keep on disk: the weights, and in a GGUF file the vocabulary."""
    if model.file_bytes:
        return float(model.file_bytes)
    words = constants("memory")["gguf_vocabulary_bytes_per_token"]
    spelling = "sentencepiece" if model.model_type.startswith("gemma") or model.vocab <= SENTENCEPIECE_VOCAB else "bpe"
    vocabulary = words[spelling] * model.vocab if fmt.kind == "gguf" else 0.0
    return stored(model, fmt).high_bytes + vocabulary


def woken_share(model: ModelSpec, tokens: float) -> float:
    """Expected share of the routed experts that at least one of `tokens` tokens is sent to."""
    if not model.experts:
        return 0.0
    if model.experts_per_token >= model.experts:
        return 1.0  # every token goes through all of them: a dense model that is written as a mixture
    idle: float = 1.0 - model.experts_per_token / model.experts
    return 1.0 - float(idle ** max(tokens, 0.0))


@by_identity
def _dense_streamed_bytes(model: ModelSpec, fmt: WeightsFormat) -> float:
    """Bytes that every step reads: all but routed experts, look-up tables and the vision tower."""
    size = weight_bytes(model, fmt)
    formula = formula_bytes(model, fmt)
    scale = size.total_bytes / formula.total_bytes
    read = sum(
        group_bytes(model, fmt, group)
        for group in tensor_groups(model)
        if group.role not in UNREAD and PART[group.role] != "expert_bytes"
    )
    if model.tied_embeddings:
        copy = gguf_mix.copied_head_bytes(model, fmt) if fmt.kind == "gguf" else 0.0
        embedding = TensorGroup(role="embedding", elements=model.vocab * model.hidden, inputs=model.hidden)
        read += copy or group_bytes(model, fmt, embedding)
    return read * scale


def streamed_bytes(model: ModelSpec, fmt: WeightsFormat, tokens: float) -> float:
    """Bytes of weights that one step over `tokens` tokens reads: all dense parts, and the experts they wake.

    The input embedding is looked up, not streamed, unless it is also the head.
    """
    return _dense_streamed_bytes(model, fmt) + weight_bytes(model, fmt).expert_bytes * woken_share(model, tokens)


@by_identity
def matmul_flops_per_token(model: ModelSpec) -> float:
    """FLOPs of the matrix products for one token: two per active weight, head included, look-ups excluded."""
    weights = 0.0
    for group in tensor_groups(model):
        if group.role in UNREAD or group.role == "norm":
            continue
        share = model.experts_per_token / model.experts if PART[group.role] == "expert_bytes" else 1.0
        weights += group.elements * share
    return 2.0 * (weights + (model.vocab * model.hidden if model.tied_embeddings else 0))
