"""Values for vLLM's production stack."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from advisor.engines.deployment import Chart, Pod
from advisor.schema import Plan

FILE = "production-stack-values.yaml"
VERSION = "0.1.12"  # of the chart; its release builds the router's image under the same number
ROUTER = "lmcache/lmstack-router"
GRACE_S = 30  # the chart leaves Kubernetes' own grace, and has no word for another
KILL_S = 5  # before its end
DRAIN = "--shutdown-timeout"
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


def chart(plan: Plan, pod: Pod) -> Chart:
    """The pod's arguments as the chart's own keys, and the words that it passes on."""
    config, extra = split(within_grace(pod.argv))
    repository, _, tag = plan.launch.image.rpartition(":")
    kind, number = next(iter(pod.devices.items()), ("", 0))
    values = {
        "name": pod.name.removeprefix("llm-"),  # the chart puts words around it, up to a label's length
        "repository": repository,
        "tag": tag,
        "config": config,
        "extra_args": extra,
        "version": VERSION,
        "router": ROUTER,
        "router_tag": f"v{VERSION}",
        "drain_s": min(plan.launch.drain_s, GRACE_S - KILL_S),
        "cores": max(math.ceil(pod.cores), 1),
        "device": kind,
        "devices": number,
    }
    return Chart(template=f"vllm/{FILE}.j2", file=FILE, values=values, has_router=True)


def within_grace(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments with a drain that ends before the chart's pod is killed."""
    limit = GRACE_S - KILL_S
    before = ("", *argv)
    return tuple(
        str(min(int(word), limit)) if flag == DRAIN else word for flag, word in zip(before, argv, strict=False)
    )


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


def _flags(words: tuple[str, ...]) -> list[list[str]]:
    """Each flag with its values."""
    groups: list[list[str]] = []
    for word in words:
        if word.startswith("--") or not groups:
            groups.append([word])
        else:
            groups[-1].append(word)
    return groups
