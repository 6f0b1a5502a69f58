"""How many layers of a model hold which kind of block: attention, linear, dense or expert feed-forward."""

from __future__ import annotations

from advisor.physics.memo import by_identity
from advisor.schema import ModelSpec, value

# Feed-forward blocks of two matrices: no gate.
UNGATED = (
    "gpt2", "gpt_neox", "opt", "phi", "starcoder2", "falcon", "nemotron", "nemotron_h", "apertus", "bert",
    "xlm-roberta",
)  # fmt: skip


@value
class Blocks:
    """How many layers hold which kind of block."""

    attention: int
    linear: int
    dense: int
    sparse: int


def attention_layers(model: ModelSpec) -> int:
    """Layers that keep keys and values; all of them where the source does not tell the pattern."""
    known = model.layers_full + model.layers_sliding
    return known or (0 if model.layers_linear else model.layers)


def matrices(model: ModelSpec) -> int:
    """Matrices of one feed-forward block: gate, up and down, or only up and down."""
    return 2 if model.model_type in UNGATED else 3


@by_identity
def blocks(model: ModelSpec) -> Blocks:
    """Count the blocks; expert layers by the gap between total and active parameters where it is known."""
    attention = model.layers if model.model_type == "mllama" else attention_layers(model)
    linear = model.layers_linear
    feeding = model.layers
    if linear and attention + linear < model.layers:  # Nemotron-H: one block in each layer
        feeding = model.layers - attention - linear
    if not model.experts:
        return Blocks(attention=attention, linear=linear, dense=feeding, sparse=0)
    sparse = feeding - model.first_dense_layers
    idle = (model.experts - model.experts_per_token) * matrices(model) * model.hidden * model.expert_intermediate
    if model.active_parameters and idle > 0:
        sparse = min(max(round((model.parameters - model.active_parameters) / idle), 1), feeding)
    return Blocks(attention=attention, linear=linear, dense=feeding - sparse, sparse=sparse)


def expert_elements(model: ModelSpec) -> int:
    """Weights of all routed experts: exact from total and active parameters, else by formula."""
    if not model.experts:
        return 0
    idle_share = (model.experts - model.experts_per_token) / model.experts
    if model.active_parameters and idle_share > 0:
        return round((model.parameters - model.active_parameters) / idle_share)
    return blocks(model).sparse * model.experts * matrices(model) * model.hidden * model.expert_intermediate
