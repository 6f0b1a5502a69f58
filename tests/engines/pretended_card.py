"""A CUDA card that exists on paper only, so that vLLM judges a plan for it on a machine that has none.

Run by vLLM's own Python, inside `vllm_judge.py`. What vLLM asks of its compiled kernels while it makes a
configuration is only "does this capability support X"; those answers are given here, everything else is vLLM's code.
"""

from __future__ import annotations

import functools
import importlib
import sys
import types
from typing import Any, ClassVar

# Compiled modules that the sources alone do not have; nothing in them is called while a configuration is made.
COMPILED = (
    "_C",
    "_C_stable_libtorch",
    "_moe_C",
    "_moe_C_stable_libtorch",
    "cumem_allocator",
    "vllm_flash_attn._vllm_fa2_C",
    "vllm_flash_attn._vllm_fa3_C",
)
# Kernel → the least compute capability for which vLLM's CUDA build has it.
KERNELS = {
    "cutlass_scaled_mm_supports_fp8": 89,
    "cutlass_scaled_mm_supports_block_fp8": 90,
    "cutlass_group_gemm_supported": 90,
    "cutlass_scaled_mm_supports_fp4": 100,
}
PAPER = {"name": "paper", "capability": [9, 0], "memory_bytes": 80 << 30, "count": 1}
kept: list[Any] = []  # torch forgets an operator with its library object


def install() -> type:
    """Make vLLM's current platform a CUDA card; the returned class has its `facts`."""
    torch = importlib.import_module("torch")
    for name in COMPILED:
        sys.modules.setdefault(f"vllm.{name}", types.ModuleType(f"vllm.{name}"))
    library = torch.library.Library("_C", "FRAGMENT")
    for name, least in KERNELS.items():
        library.define(f"{name}(int capability) -> bool")
        library.impl(name, functools.partial(_at_least, least), "CompositeImplicitAutograd")
    kept.append(library)
    card = _card()
    platforms: Any = importlib.import_module("vllm.platforms")
    platforms._current_platform = card()
    # A model's class is read in this process: a new one would not know the card.
    registry: Any = importlib.import_module("vllm.model_executor.models.registry")
    registry._run_in_subprocess = lambda task: task()
    return card


def _at_least(least: int, capability: int) -> bool:
    return capability >= least


def _card() -> type:
    base: Any = importlib.import_module("vllm.platforms.cuda").NonNvmlCudaPlatform
    capability: Any = importlib.import_module("vllm.platforms.interface").DeviceCapability

    class Card(base):  # type: ignore[misc]
        """The card of the plan that is being judged."""

        facts: ClassVar[dict[str, Any]] = dict(PAPER)

        @classmethod
        def get_device_capability(cls, device_id: int = 0) -> Any:
            return capability(*cls.facts["capability"])

        @classmethod
        def get_device_name(cls, device_id: int = 0) -> str:
            return str(cls.facts["name"])

        @classmethod
        def get_device_total_memory(cls, device_id: int = 0) -> int:
            return int(cls.facts["memory_bytes"])

        @classmethod
        def device_count(cls) -> int:
            return int(cls.facts["count"])

        @classmethod
        def get_cuda_runtime_major(cls) -> int:
            return 13

        @classmethod
        def num_compute_units(cls, device_id: int = 0) -> int:
            return 132

        @classmethod
        def is_integrated_gpu(cls, device_id: int = 0) -> bool:
            return False

    return Card
