"""vLLM as others run it: `vllm serve` with what they state, and its own defaults for the rest."""

from __future__ import annotations

from dataclasses import replace

from advisor.catalog import engine_limits, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.engines.ready import Ready, Unsupported, Wanted, benchmark_rule, does_not_fit, nearly_fits
from advisor.engines.vllm.defaults import device_defaults
from advisor.engines.vllm.memory import default_utilization, memory
from advisor.engines.vllm.speed import FIT, prepared, step_of
from advisor.errors import BadInput
from advisor.physics.speed.facts import held_bytes
from advisor.physics.speed.setup import fitted
from advisor.schema import Candidate, Hardware, Memory, ModelSpec


def files_of(fmt: WeightsFormat | None, model: ModelSpec) -> WeightsFormat:
    """The checkpoint's own format where none is given, or its own kind of the one that is.

    Raises:
        BadInput: a GGUF format without a twin.
    """
    native = weights_format(model.native_format)
    if fmt is None or fmt.name in native.covers:  # "int4" of a checkpoint that has 4 bit of its own kind
        fmt = native
    limits = engine_limits("vllm")
    found = weights_format(fmt.name, limits.name)
    if limits.name not in found.engines:
        release = limits.version.rpartition(".")[0]
        raise BadInput(f"quantization {fmt.name!r} is a GGUF format, which {limits.title} {release} does not load")
    return found


def ready(wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready | None:
    """As many replicas as the cards hold, each over the ranks that are stated or that the heads allow.

    Raises:
        Unsupported: more ranks than cards, or more memory than they have.
    """
    candidate = _candidate(wanted, hardware, model, fmt)
    sized, note = _fitting(memory(candidate, hardware, model))
    known = prepared(candidate, hardware, model, wanted.version)
    if known is None:
        return None
    values = fitted(FIT)
    return Ready(
        engine=candidate.engine,
        prepared=known,
        step=step_of(known, values),
        bench=step_of(known, values),
        rule=benchmark_rule(values, candidate.max_in_flight, candidate.max_batched_tokens, age=known.age),
        kv_bytes=sized.full_sequences * held_bytes(known.facts, candidate.context_tokens),
        kv_tokens=sized.kv_tokens,
        replicas=candidate.replicas,
        decode_alone=False,
        note=note,
    )


def _candidate(wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Candidate:
    cards = len(hardware.accelerators)
    tensor, pipeline = _ranks(wanted.split, model, max(cards, 1))
    batched, seqs = device_defaults(hardware.accelerators)
    return Candidate(
        engine="vllm",
        model_ref=model.hf_id,
        weights_format=fmt.name,
        kv_cache_dtype=wanted.kv_dtype.split(" ")[0] or "auto",
        device="gpu" if cards else "cpu",
        gpu_indices=tuple(range(cards)),
        context_tokens=wanted.context_tokens,
        max_in_flight=wanted.slots or seqs,
        max_batched_tokens=max(batched, wanted.slots or 0),
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        replicas=max(1, cards // (tensor * pipeline)),
        memory_utilization=default_utilization() if cards else None,
    )


def _ranks(split: tuple[int, int] | None, model: ModelSpec, cards: int) -> tuple[int, int]:
    """Tensor and pipeline parallel degree of one replica; where not given, tensor parallel as the heads allow."""
    if split is not None:
        tensor, pipeline = split
        if tensor * pipeline > cards:
            raise Unsupported(f"tp {tensor} x pp {pipeline} needs more than the {cards} cards of gpu_count")
        return split
    tensor = next(n for n in range(cards, 0, -1) if cards % n == 0 and model.heads % n == 0)
    return tensor, cards // tensor


def _fitting(found: Memory) -> tuple[Memory, str]:
    """The memory as planned; a configuration that is a little short runs one request at a time, and says so."""
    if found.fits and found.full_sequences >= 1.0:
        return found, ""
    if not nearly_fits(found):
        raise does_not_fit(found)
    return replace(found, full_sequences=max(found.full_sequences, 1.0)), "memory is tight: a few requests at a time"
