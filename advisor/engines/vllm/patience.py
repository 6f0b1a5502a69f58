"""How long vLLM may take to start."""

from __future__ import annotations

import math

from advisor.catalog import weights_format
from advisor.engines.downloads import download_s
from advisor.engines.vllm.weights import is_online
from advisor.physics.memory.weights import file_bytes
from advisor.schema import Estimate, ModelSpec

DISK_BYTES_PER_S = 500e6  # a SATA SSD
COMPILE_S = 540  # compilation and graph recording of a first start: 70 to 430 s were seen on two busy CPU cores


def download_bytes(estimate: Estimate, model: ModelSpec) -> int:
    """The checkpoint's files: also where they are quantised while loading, they come in the model's own format."""
    candidate = estimate.candidate
    online = is_online(model, candidate.weights_format, candidate.model_ref)
    stored = model.native_format if online else candidate.weights_format
    return round(file_bytes(model, weights_format(stored)))


def startup_s(estimate: Estimate, model: ModelSpec) -> int:
    """Patience until healthy: download, read and compile, in whole minutes."""
    size = download_bytes(estimate, model)
    seconds = COMPILE_S + download_s(size) + size / DISK_BYTES_PER_S
    return 60 * math.ceil(seconds / 60)
