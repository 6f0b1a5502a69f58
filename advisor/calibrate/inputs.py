"""What the constants were fitted from, as hashes: a test compares them, so that stale constants are seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from advisor.calibrate import fit, parameters
from advisor.calibrate.names import BENCHMARKS, KERNEL_TABLES, MORE

MEASUREMENTS = (BENCHMARKS, MORE, *KERNEL_TABLES)
# What is set by hand for processors is not fitted, and so not among these.
_PARAMETERS = (
    "BEFORE", "VLLM", "LLAMACPP", "UNIT_BASES", "FAMILY_FACTORS", "KERNEL_FACTORS", "FREE_KERNELS", "FAMILY_SIGMA",
    "KERNEL_SIGMA", "BACKENDS", "BACKEND_FACTORS", "BACKEND_SIGMA",
)  # fmt: skip
_FIT = (
    "SCALE", "USUAL_GROUP", "MOST_OF_ALL", "LENGTHS_UNSAID", "TPOT_WEIGHT", "TTFT_WEIGHT", "LOADED_TTFT_WEIGHT",
    "EVALUATIONS", "STEP", "EDGE", "LIGHT",
)  # fmt: skip
DIGITS = 16


def hashes(data: Path) -> Mapping[str, str]:
    """Of the measurements in `data`, and of the parameters with their starts, bounds and weights."""
    files = b"".join((data / name).read_bytes() for name in MEASUREMENTS)
    return {"measurements": short(files), "parameters": parameters_hash()}


def parameters_hash() -> str:
    """Of everything that decides the fit beside the measurements and the formulas."""
    told = [(name, getattr(parameters, name)) for name in _PARAMETERS]
    told += [(name, getattr(fit, name)) for name in _FIT]
    return short(repr(told).encode())


def short(content: bytes) -> str:
    """A hash as speed.yaml holds it."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]
