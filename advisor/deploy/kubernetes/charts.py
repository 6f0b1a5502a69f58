"""Values for the chart that an engine's users know: vLLM's production stack, and Ollama's chart of OTWLD."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from advisor.deploy.kubernetes import pod
from advisor.deploy.kubernetes.manifest import Resources
from advisor.schema import Plan

FILES = {"vllm": "production-stack-values.yaml", "ollama": "ollama-chart-values.yaml"}
# Flags that the production stack's chart writes from values of its own, with the type its schema asks for.
OWN_KEYS: Mapping[str, tuple[str, type]] = {
    "--max-model-len": ("maxModelLen", int),
    "--max-num-seqs": ("maxNumSeqs", int),
    "--dtype": ("dtype", str),
    "--tensor-parallel-size": ("tensorParallelSize", int),
    "--gpu-memory-utilization": ("gpuMemoryUtilization", float),
    "--runner": ("runner", str),
}
WRITTEN_BY_CHART = ("--host", "--port")


def values(plan: Plan, resources: Resources) -> Mapping[str, Any]:
    """What the template of the engine's chart places."""
    return _stack(plan, resources) if plan.engine == "vllm" else _ollama(plan, resources)


def split(argv: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The arguments behind the model, as the chart's own keys and as words that it passes on.

    The chart turns prefix caching off unless it is told; and gives /dev/shm only where tensorParallelSize is said.
    """
    config: dict[str, Any] = {"tensorParallelSize": 1, "enablePrefixCaching": False}
    rest: list[str] = []
    for words in _flags(argv[1:]):
        name = words[0]
        if name == "--enable-prefix-caching":
            config["enablePrefixCaching"] = True
        elif name in OWN_KEYS and len(words) == 2:
            spelling, kind = OWN_KEYS[name]
            config[spelling] = kind(words[1])
        elif name not in WRITTEN_BY_CHART:
            rest.extend(words)
    return config, tuple(rest)


def heredoc(text: str) -> str:
    """Text that the chart puts between `<<EOF` and `EOF` of a shell, which expands what is inside."""
    return re.sub(r"([\\$`])", r"\\\1", text)


def _flags(words: tuple[str, ...]) -> list[list[str]]:
    """Each flag with its values."""
    groups: list[list[str]] = []
    for word in words:
        if word.startswith("--") or not groups:
            groups.append([word])
        else:
            groups[-1].append(word)
    return groups


def _stack(plan: Plan, resources: Resources) -> dict[str, Any]:
    config, extra = split(pod.args(plan))
    repository, _, tag = plan.launch.image.rpartition(":")
    kind, number = next(iter(resources.devices.items()), ("", 0))
    return {
        "name": pod.object_name(plan).removeprefix("llm-"),  # the chart puts words around it, up to a label's length
        "repository": repository,
        "tag": tag,
        "config": config,
        "extra_args": extra,
        "cores": max(math.ceil(int(resources.cpu_request[:-1]) / 1000), 1),
        "device": kind,
        "devices": number,
    }


def _ollama(plan: Plan, resources: Resources) -> dict[str, Any]:
    kind, number = next(iter(resources.devices.items()), ("", 0))
    slices = {name.removeprefix("nvidia.com/mig-"): n for name, n in resources.devices.items() if "/mig-" in name}
    return {
        "gpu": {"nvidia": "nvidia", "amd": "amd"}.get(kind.split(".")[0], ""),
        "number": number,
        "mig": slices,
        "tag": plan.launch.image.rpartition(":")[2],
        "modelfile": heredoc(plan.launch.modelfile or ""),
        "other_device": kind if kind and not kind.startswith(("nvidia", "amd")) else "",
    }
