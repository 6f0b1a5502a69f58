"""Ollama as others run it, and what every server around llama.cpp has: GGUF files, slots, layers on the CPU."""

from __future__ import annotations

from advisor.catalog import weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.engines.llamacpp.speed import BENCH, FIT, MICRO_BATCH_TOKENS, Server, prepared, step_of
from advisor.engines.ollama.memory import memory
from advisor.engines.ollama.sizing import batch_for, offloaded, single_slot
from advisor.engines.ollama.speed import server
from advisor.engines.ready import Ready, Wanted, benchmark_rule, nearly_fits
from advisor.physics.speed.setup import fitted
from advisor.schema import Candidate, Hardware, ModelSpec

UNSAID = "q4_K_M"  # the quantisation of the library where it does not say


def files_of(fmt: WeightsFormat | None, model: ModelSpec) -> WeightsFormat:
    """The same precision as a GGUF file: its twin, or one of like size; the library's own where none is given."""
    if fmt is None:
        fmt = weights_format(model.ollama_quantization or UNSAID)
    found = weights_format(fmt.name, "ollama")
    if "ollama" in found.engines:
        return found
    return weights_format("q4_0" if fmt.linear_bits < 6 else "q8_0")


def ready(wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready | None:
    """One slot where nobody says, and for the families that get no more."""
    slots = 1 if single_slot(model) else wanted.slots or 1
    return served("ollama", server(fitted(FIT)), slots, wanted, hardware, model, fmt)


def served(
    engine: str, around: Server, slots: int, wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat
) -> Ready | None:
    """llama.cpp's kernels with a server around them; None where the device's speed is not known."""
    candidate = _candidate(slots, wanted, hardware, model, fmt)
    placed = candidate if nearly_fits(memory(candidate, hardware, model)) else offloaded(candidate, hardware, model)
    known = prepared(placed, hardware, model, wanted.version, wanted.server)
    if known is None:
        return None
    values, chunk = fitted(FIT), max(candidate.max_batched_tokens, MICRO_BATCH_TOKENS)
    return Ready(
        engine=engine,
        prepared=known,
        step=step_of(known, values, around),
        bench=step_of(known, values, around if engine == "ollama" else BENCH),
        rule=benchmark_rule(values, slots, chunk, own_request_s=around.request_s, age=known.age),
        kv_bytes=float("inf"),
        kv_tokens=slots * wanted.context_tokens,
        replicas=1,
        decode_alone=True,
        note=f"{placed.cpu_layers} of {model.layers} layers run on the CPU" if placed.cpu_layers else "",
    )


def _candidate(slots: int, wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Candidate:
    cards = len(hardware.accelerators)
    kv_dtype = wanted.kv_dtype.split("/")[0].split(" ")[0].lower()
    return Candidate(
        engine="ollama",
        model_ref=model.hf_id,
        weights_format=fmt.name,
        kv_cache_dtype=kv_dtype if kv_dtype and kv_dtype != "auto" else "f16",
        device="gpu" if cards else "cpu",
        gpu_indices=tuple(range(cards)),
        context_tokens=wanted.context_tokens,
        max_in_flight=slots,
        max_batched_tokens=batch_for(wanted.context_tokens, slots),
    )
