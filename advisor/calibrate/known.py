"""What sources state of their runs outside the rows: in a description of the machine, a configuration, a script."""

from __future__ import annotations

import re

from advisor.evaluate import Measurement

# By that archive's HARDWARE.md: how its cards are joined, with a patched driver.
LINKS = {"4x3090": "PCIe 3.0 x16, P2P, no NVLink"}

# By that benchmark's config.yaml: models that its rows name by their line alone.
MODELS = {("m3max", "Qwen3.5"): "Qwen/Qwen3.5-35B-A3B"}

# Of 4x3090's llama.cpp, which is flat from 8 in flight on.
SLOTS = {("4x3090", "llama.cpp"): "8"}

# By benchmarks/models.py of kyuz0/amd-r9700-vllm-toolboxes, --max-num-seqs of its offline runs of May 2026: those of
# 1,000 prompts were started by the version of the 3rd (62cca1b), those of 500 by that of the 4th (af5b257).
SEQUENCES = {"meta-llama/meta-llama-3.1-8b-instruct": "64", "qwen/qwen3.5-9b": "64"}
OTHER_SEQUENCES, FIRST_PROMPTS, FIRST_GEMMA = "32", "1000", "16"


def slots_of(row: Measurement) -> str:
    """Requests that the server takes at once, where the source says it; "" elsewhere."""
    request = row.request
    if row.group != "kyuz0-vllm" or row.measurement != "offline_throughput":
        return SLOTS.get((row.group, request["engine"]), "")
    if request["concurrency"]:  # the log tells it
        return ""
    model = request["model"].lower()
    if "gemma" in model and request["num_prompts"] == FIRST_PROMPTS:
        return FIRST_GEMMA
    return SEQUENCES.get(model, OTHER_SEQUENCES)


def model_of(row: Measurement) -> str:
    """The model that ran."""
    return MODELS.get((row.group, row.request["model"]), row.request["model"])


def speculation_of(row: Measurement) -> str:
    """How it drafted; a tag of Ollama's own library that is packed with a draft head uses it.

    Such rows tell more tokens than the memory could read weights for. A file of the Hub with such a head is loaded
    without it.
    """
    request = row.request
    drafting = request["engine"] == "Ollama" and re.search(r"^[^/]*:[^/]*-mtp-", request["model"])
    return request["speculation"] or ("mtp" if drafting else "")


def on_processor(row: Measurement) -> bool:
    """The engine's back end was the processor, whatever card the machine has."""
    return bool(re.search(r"\bbackend cpu\b", row.notes))
