"""FP8 checkpoints with one scale for each block of weights: which widths tensor parallelism may cut.

A card holds whole blocks. Where its part of a dense layer is none vLLM does not start (quantization/utils/fp8_utils.py
of 0.33.0); where its part of an expert is none it leaves its fast kernels, and older versions do not start
(fused_moe/oracle/fp8.py). Experts may lie whole on one card each, dense layers may not.
"""

from __future__ import annotations

from advisor.catalog import constants
from advisor.schema import Candidate, ModelSpec


def whole_experts(candidate: Candidate, model: ModelSpec) -> bool:
    """Whether the experts must lie whole on one card each."""
    return bool(model.experts) and not _divides(model.expert_intermediate, candidate, model)


def uncut_width(candidate: Candidate, model: ModelSpec) -> int | None:
    """The width of dense layers that may not be cut over so many cards; None: it may, or there is none."""
    dense = not model.experts or model.first_dense_layers > 0
    return model.intermediate if dense and not _divides(model.intermediate, candidate, model) else None


def _divides(width: int, candidate: Candidate, model: ModelSpec) -> bool:
    """Whether every card gets whole blocks; true where nothing is stored or cut in blocks."""
    if candidate.tensor_parallel == 1 or not _in_blocks(candidate, model):
        return True
    block: int = constants("serving")["fp8_blocks"]["width"]
    return width % (block * candidate.tensor_parallel) == 0


def _in_blocks(candidate: Candidate, model: ModelSpec) -> bool:
    """By the maker of the FP8 files or by their name; what is made FP8 while loading has a scale a tensor."""
    table = constants("serving")["fp8_blocks"]
    owner, _, name = candidate.model_ref.lower().partition("/")
    stored = model.native_format == "fp8" or "fp8" in name
    return candidate.weights_format == "fp8" and stored and (owner in table["owners"] or table["word"] in name)
