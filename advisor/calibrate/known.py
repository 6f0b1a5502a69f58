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

# By the scripts of SemiAnalysisAI/InferenceX (benchmarks/, history to 22 August 2026), which measured silicon's rows:
# model, weights and card of the runs with --kv-cache-dtype fp8, and the first day of such a script. The others of its
# scripts leave the format to the engine.
KV_FP8 = (
    ("llama-3.1-70b", "fp8", "", "2025-09-16"),
    ("llama-3.1-70b", "nvfp4", "", "2025-09-16"),
    ("gpt-oss-120b", "mxfp4", "B200", "2025-11-19"),
    ("minimax-m2.5", "fp8", "B200", "2026-04-03"),
    ("minimax-m2.5", "nvfp4", "B200", "2026-04-08"),
    ("minimax-m2.5", "fp8", "B300", "2026-04-17"),
    ("minimax-m2.5", "nvfp4", "B300", "2026-04-17"),
    ("kimi-k2.5", "nvfp4", "B200", "2026-04-20"),
)

# Argonne's tables count whole cards: Mixtral in 16 bit (93 GB) ran on one MI250, a 70B (141 GB) on two. Each is two
# GPUs of half the memory to its driver: a rank or a group of layers lies on each. vLLM's on Max 1550 was one rank.
DIES = {"MI250": "MI250 64GB", "Intel Max 1550": "Intel Max 1550 64GB"}
ONE_RANK = ("vLLM", "Intel Max 1550")


def cards_of(row: Measurement) -> dict[str, str]:
    """The columns of the cards that are not as they stand, where a source counts cards of two GPUs."""
    request = row.request
    if not row.group.startswith("argonne") or request["gpu"] not in DIES:
        return {}
    counted: tuple[str, ...] = ("gpu_count", "tp") if request["engine"] == "vLLM" else ("gpu_count",)
    if (request["engine"], request["gpu"]) == ONE_RANK:
        counted = ()
    return {"gpu": DIES[request["gpu"]], **{name: str(2 * int(float(request[name] or 1))) for name in counted}}


def dated(row: Measurement) -> Measurement:
    """With its month for a version, where none is named: the engine was hardly newer, and seldom much older."""
    request = row.request
    if request["engine_version"] or not re.fullmatch(r"20\d\d-\d\d(-\d\d)?", row.date):
        return row
    return row._replace(request={**request, "engine_version": row.date})


def kv_dtype_of(row: Measurement) -> str:
    """The format of the KV cache where the source's scripts set it; "" elsewhere."""
    request = row.request
    model = request["model"].split("/")[-1].lower()
    found = (
        row.group == "silicon" and (model, request["quantization"]) == (name, weights)
        and card in request["gpu"] and row.date >= since
        for name, weights, card, since in KV_FP8
    )  # fmt: skip
    return "fp8" if any(found) else ""


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
