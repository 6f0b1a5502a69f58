"""What is tried where a plain start does not fit: without CUDA graphs, without the vision tower, without both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.engines.devices import cards_of, has_fp8
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.rows import flag
from advisor.schema import Candidate, Hardware, ModelSpec, Setting, Workload

SEEING_TASKS = ("vision",)  # whose requests hold pictures
SOURCE = "engines-vllm-start"


def at_the_edge(candidate: Candidate, hardware: Hardware, workload: Workload, model: ModelSpec) -> Iterator[Candidate]:
    """The first way to start it after all, the cheapest for people first; where none is enough, the nearest miss.

    At the edge every token of KV cache counts, so that it goes with an 8-bit one where the cards multiply FP8.
    """
    small = replace(candidate, max_in_flight=1)
    narrow = workload.kind == "generate" and not model.mla_kv_lora_rank
    if narrow and all(has_fp8(card) for card in cards_of(candidate, hardware)):
        small = replace(small, kv_cache_dtype="fp8")
    for eager, text_only in _ways(workload, model):
        tried = replace(small, eager=eager, text_only=text_only)
        if memory(tried, hardware, model).fits:
            break
    yield replace(tried, max_in_flight=candidate.max_in_flight)


def _ways(workload: Workload, model: ModelSpec) -> Iterator[tuple[bool, bool]]:
    """(without graphs, without the vision tower), by what they cost people."""
    yield True, False
    if model.multimodal and model.vision_parameters and workload.task not in SEEING_TASKS:
        yield False, True
        yield True, True


def edge_settings(candidate: Candidate, model: ModelSpec) -> list[Setting]:
    """The flags of such a start, with what each costs."""
    rows = []
    if candidate.eager:
        reason = (
            "with CUDA graphs it does not start: they, and the cache with which they are measured, do not fit; every "
            "step is launched kernel by kernel instead, which the prediction counts"
        )
        rows.append(flag("--enforce-eager", None, reason, SOURCE))
    if candidate.text_only:
        reason = (
            f"the vision tower of {model.vision_parameters / 1e6:,.0f} million parameters and its profile leave no "
            "room; requests with pictures are refused"
        )
        rows.append(flag("--language-model-only", None, reason, SOURCE))
    return rows
