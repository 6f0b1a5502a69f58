"""Values for OTWLD's chart of Ollama."""

from __future__ import annotations

import re

from advisor.engines.deployment import Chart, Pod
from advisor.schema import Plan

FILE = "ollama-chart-values.yaml"


def chart(plan: Plan, pod: Pod) -> Chart:
    """Cards in the chart's own words, and the Modelfile as its shell takes it."""
    kind, number = next(iter(pod.devices.items()), ("", 0))
    slices = {name.removeprefix("nvidia.com/mig-"): n for name, n in pod.devices.items() if "/mig-" in name}
    values = {
        "gpu": {"nvidia": "nvidia", "amd": "amd"}.get(kind.split(".")[0], ""),
        "number": number,
        "mig": slices,
        "tag": plan.launch.image.rpartition(":")[2],
        "modelfile": heredoc(plan.launch.modelfile or ""),
        "other_device": kind if kind and not kind.startswith(("nvidia", "amd")) else "",
    }
    return Chart(template=f"ollama/{FILE}.j2", file=FILE, values=values)


def heredoc(text: str) -> str:
    """Text that the chart puts between `<<EOF` and `EOF` of a shell, which expands what is inside."""
    return re.sub(r"([\\$`])", r"\\\1", text)
