"""Bytes of a model's weights by part, as the rules of a format make them."""

from __future__ import annotations

from advisor.catalog.entries import WeightsFormat
from advisor.physics.memo import by_identity
from advisor.physics.memory import gguf_mix
from advisor.physics.memory.layout import Role, TensorGroup, tensor_groups
from advisor.schema import ModelSpec, value

UNQUANTISED_BITS = 16.0  # norms, biases, routers and vision towers of a quantised checkpoint


@value
class WeightBytes:
    """Bytes by part of the model."""

    embedding_bytes: float
    head_bytes: float
    attention_bytes: float
    ffn_bytes: float  # dense feed-forward blocks
    expert_bytes: float  # all routed experts
    shared_expert_bytes: float
    other_bytes: float  # norms, biases, routers, vision towers

    @property
    def total_bytes(self) -> float:
        """Sum of all parts."""
        return (
            self.embedding_bytes
            + self.head_bytes
            + self.attention_bytes
            + self.ffn_bytes
            + self.expert_bytes
            + self.shared_expert_bytes
            + self.other_bytes
        )


PART: dict[Role, str] = {
    "embedding": "embedding_bytes",
    "lookup": "embedding_bytes",
    "head": "head_bytes",
    "q": "attention_bytes",
    "k": "attention_bytes",
    "v": "attention_bytes",
    "o": "attention_bytes",
    "qkv": "attention_bytes",
    "latent": "attention_bytes",
    "linear": "attention_bytes",
    "gate": "ffn_bytes",
    "up": "ffn_bytes",
    "down": "ffn_bytes",
    "expert_gate": "expert_bytes",
    "expert_up": "expert_bytes",
    "expert_down": "expert_bytes",
    "shared_gate": "shared_expert_bytes",
    "shared_up": "shared_expert_bytes",
    "shared_down": "shared_expert_bytes",
    "router": "other_bytes",
    "vision": "other_bytes",
    "norm": "other_bytes",
}


def _checkpoint_bits(model: ModelSpec, fmt: WeightsFormat, group: TensorGroup) -> float:
    """Bits per weight of one group in a Hugging Face checkpoint of that format."""
    if fmt.kind == "plain":
        return fmt.linear_bits
    if group.role == "embedding":
        return fmt.embedding_bits
    if group.role == "head":
        return fmt.head_bits
    if group.role in ("lookup", "router", "vision", "norm"):
        return UNQUANTISED_BITS
    if fmt.dense_bits is not None and model.experts and PART[group.role] != "expert_bytes":
        return fmt.dense_bits
    return fmt.linear_bits


def group_bytes(model: ModelSpec, fmt: WeightsFormat, group: TensorGroup) -> float:
    """Bytes of one group of tensors in that format."""
    if fmt.kind == "gguf":
        return gguf_mix.group_bytes(model, fmt, group)
    return group.elements * _checkpoint_bits(model, fmt, group) / 8


@by_identity
def formula_bytes(model: ModelSpec, fmt: WeightsFormat) -> WeightBytes:
    """Bytes of the weights by part, as the format's rules make them."""
    parts = dict.fromkeys(WeightBytes.__dataclass_fields__, 0.0)
    for group in tensor_groups(model):
        parts[PART[group.role]] += group_bytes(model, fmt, group)
    if fmt.kind == "gguf":
        parts["head_bytes"] += gguf_mix.copied_head_bytes(model, fmt)
    return WeightBytes(**parts)
