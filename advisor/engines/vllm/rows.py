"""How a setting of vLLM is written down."""

from __future__ import annotations

from advisor.schema import Setting

POSITIONAL = "model"  # the one argument without a flag
# What vLLM and its Hub client read, beside the variables that number cards; vLLM publishes no list of them.
VARIABLES = frozenset(
    (
        "HF_HOME",
        "HF_HUB_OFFLINE",
        "HF_TOKEN",
        "VLLM_CPU_KVCACHE_SPACE",
        "VLLM_CPU_NUM_OF_RESERVED_CPU",
        "VLLM_CPU_OMP_THREADS_BIND",
        "VLLM_ENGINE_READY_TIMEOUT_S",
        "VLLM_HOST_IP",
        "VLLM_NO_USAGE_STATS",
        "VLLM_PP_LAYER_PARTITION",
    )
)


def flag(name: str, value: object, because: str, source: str) -> Setting:
    """A command-line argument; `None` as the value: a switch."""
    return Setting(name=name, kind="flag", value=None if value is None else str(value), because=because, source=source)


def env(name: str, value: str | None, because: str, source: str) -> Setting:
    """An environment variable; `None` as the value: it comes from .env and stands in no other file."""
    return Setting(name=name, kind="env", value=value, because=because, source=source)
