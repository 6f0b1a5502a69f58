"""Exact membership: every flag, variable and Modelfile line must be one that the pinned version knows.

vLLM's own parser takes any unique prefix and Ollama ignores unknown variables in silence: neither would tell.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from advisor.catalog.flags import ollama_env, ollama_modelfile, vllm_flags
from advisor.errors import EnvironmentFailed
from advisor.schema import Setting

# Variables that vLLM, its Hub client and CUDA read; vLLM publishes no list of them.
VLLM_ENV = frozenset(
    (
        "CUDA_DEVICE_ORDER",
        "CUDA_VISIBLE_DEVICES",
        "HF_HOME",
        "HF_HUB_OFFLINE",
        "HF_TOKEN",
        "HIP_VISIBLE_DEVICES",
        "VLLM_CPU_KVCACHE_SPACE",
        "VLLM_CPU_NUM_OF_RESERVED_CPU",
        "VLLM_CPU_OMP_THREADS_BIND",
        "VLLM_ENGINE_READY_TIMEOUT_S",
        "VLLM_HOST_IP",
        "VLLM_NO_USAGE_STATS",
    )
)
POSITIONAL = "model"


def check_vllm(settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """Return the settings unchanged.

    Raises:
        EnvironmentFailed: a name that the pinned vLLM does not accept (a fault of this program).
    """
    flags = [s.name for s in settings if s.kind == "flag" and s.name != POSITIONAL]
    _require("vLLM", flags, vllm_flags())
    _require("vLLM", [s.name for s in settings if s.kind == "env"], VLLM_ENV)
    return settings


def check_ollama(settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """Return the settings unchanged.

    Raises:
        EnvironmentFailed: a name that the pinned Ollama does not accept (a fault of this program).
    """
    _require("Ollama", [s.name for s in settings if s.kind == "env"], ollama_env())
    _require("Ollama", [s.name for s in settings if s.kind == "modelfile"], {"FROM", *ollama_modelfile()})
    return settings


def _require(engine: str, names: Iterable[str], accepted: Iterable[str]) -> None:
    known = frozenset(accepted)
    for name in names:
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known, 3)) or "nothing like it"
            raise EnvironmentFailed(f"{engine} does not accept {name!r}; known is {near}. Please report this.")
