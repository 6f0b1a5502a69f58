"""What is tried where a plain start does not fit: without CUDA graphs, without the vision tower, without both."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.engines.devices import cards_of
from advisor.engines.vllm.consumed import known
from advisor.engines.vllm.kv_types import takes_fp8_kv
from advisor.engines.vllm.memory import memory, replica_pool
from advisor.engines.vllm.rows import flag
from advisor.frozen import replace
from advisor.physics.memory.kv import scratch_channels
from advisor.schema import Candidate, Hardware, ModelSpec, Setting, Workload
from advisor.units import GIB

SEEING_TASKS = ("vision",)  # whose requests hold pictures
SOURCE = "engines-vllm-start"


def at_the_edge(candidate: Candidate, hardware: Hardware, workload: Workload, model: ModelSpec) -> Iterator[Candidate]:
    """The first way to start it after all, the cheapest for people first.

    Where none is enough a hybrid's first miss is given: the cache that its graphs are measured with would hide what
    is really missing. At the edge every token of KV cache counts: it goes with an 8-bit one where attention takes it.
    """
    small = replace(candidate, max_in_flight=1)
    if workload.kind == "generate" and takes_fp8_kv(cards_of(candidate, hardware), model):
        small = replace(small, kv_cache_dtype="fp8")
    ways = [replace(small, eager=eager, text_only=text_only) for eager, text_only in _ways(workload, model)]
    found = next((way for way in ways if _spares_enough(way, hardware, model)), None)
    missed = [way for way in ways if model.layers_linear and not memory(way, hardware, model).fits]
    for way in [found] if found else missed[:1]:
        yield replace(way, max_in_flight=candidate.max_in_flight)


def _spares_enough(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> bool:
    """Whether it fits, with linear layers also what such a start took beyond what is computed (unsloth-issue-7091)."""
    result = memory(candidate, hardware, model)
    needed = replica_pool(candidate, model).smallest_bytes()
    wide = scratch_channels(model) / float(known()["linear_scratch_channels"])
    return result.fits and result.kv_bytes >= needed + wide * float(known()["edge_spare_gib"]) * GIB


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
