"""Values for OTWLD's chart of Ollama."""

from __future__ import annotations

import re

from advisor.engines.builds import build, maker
from advisor.engines.deployment import Chart, Pod
from advisor.schema import Plan

FILE = "ollama-chart-values.yaml"
VERSION = "1.77.0"  # of the chart


def chart(plan: Plan, pod: Pod) -> Chart:
    """Cards in the chart's own words, and the Modelfile as its shell takes it."""
    kind, number = next(iter(pod.devices.items()), ("", 0))
    vendor, found = maker(plan), build(plan)
    prefix = vendor.kubernetes.slice_prefix if vendor and vendor.kubernetes else ""
    gpu = (found.chart_name if found else None) or ""
    values = {
        "version": VERSION,
        "gpu": gpu,
        "number": number,
        "mig": {name.removeprefix(prefix): n for name, n in pod.devices.items() if prefix and name.startswith(prefix)},
        "tag": plan.launch.image.rpartition(":")[2],
        "modelfile": heredoc(plan.launch.modelfile or ""),
        "other_device": "" if gpu else kind,
    }
    return Chart(template=f"ollama/{FILE}.j2", file=FILE, values=values)


def heredoc(text: str) -> str:
    """Text that the chart puts between `<<EOF` and `EOF` of a shell, which expands what is inside."""
    return re.sub(r"([\\$`])", r"\\\1", text)
