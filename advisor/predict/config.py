"""From the words of a request row to a configuration that is ready for any load.

Everything that does not depend on the load is found once per distinct configuration: names, cards, format, memory,
and the engine's step. A million rows over a thousand configurations cost a thousand look-ups.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from advisor.catalog import constants, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.errors import BadInput
from advisor.physics.speed.facts import held_bytes
from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.setup import Prepared, discipline, fitted
from advisor.physics.speed.step import StepModel
from advisor.probe.simulate import simulate
from advisor.schema import Candidate, Hardware, Memory, ModelSpec
from advisor.units import GIB

ENGINE_NAMES = {"ollama": "ollama", "llama.cpp": "llama.cpp", "llamacpp": "llama.cpp", "vllm": "vllm"}
LLAMA_SERVER_SLOTS = 4  # llama-server's own choice where -np is not given
ONE_AT_A_TIME = ("text-generation-webui", "llama-cpp-python")  # what wraps llama.cpp and has no slots
UNSTATED = ("ollama default tag", "default", "unstated", "auto")
MOST = {"gpu_count": 4096, "tp": 4096, "pp": 4096}
MOST_OF_ANYTHING = 1_000_000
TIGHT = 0.08  # of device memory that people run beyond the default plan (utilisation raised, nothing else on the card)


class Unsupported(Exception):
    """This row cannot be predicted, and why."""


class Words(NamedTuple):
    """The columns of a row that name a configuration, as written."""

    engine: str
    engine_version: str
    gpu: str
    gpu_count: str
    tp: str
    pp: str
    model: str
    quantization: str
    kv_dtype: str
    slots: str
    power_limit_watts: str  # of each card
    context_tokens: int  # rounded up to a power of two
    alone: bool  # one request at a time, as a single-stream benchmark runs


class Ready(NamedTuple):
    """A configuration; what is left is the load."""

    engine: str  # "vllm", "ollama" or "llama.cpp"
    family: str  # of constants: "vllm" or "llamacpp"
    prepared: Prepared
    step: StepModel
    rule: Discipline  # with the slots; `sequences` is filled in per load
    kv_bytes: float  # that running sequences may fill, all ranks; infinite where slots own their KV
    kv_tokens: int
    replicas: int
    note: str


def ready_for(words: Words) -> Ready:
    """Resolve the names, place the model on the cards, and freeze the step.

    Raises:
        Unsupported: with the reason.
    """
    engine = engine_name(words.engine)
    try:
        watts = whole(words.power_limit_watts, 0, "power_limit_watts") or None
        hardware = simulate(words.gpu, whole(words.gpu_count, 1, "gpu_count"), watts, guess=True)
        model, fmt = model_and_format(engine, words.model, words.quantization)
    except BadInput as error:
        raise Unsupported(str(error)) from None
    if engine == "vllm":
        return _vllm(words, hardware, model, fmt)
    return _llamacpp(words, engine, hardware, model, fmt)


def engine_name(text: str) -> str:
    """The engine that decides the speed: "vLLM", "Ollama", "llama.cpp (Vulkan)", "Ollama or llama.cpp", ..."""
    word = text.strip().lower()
    for known, name in ENGINE_NAMES.items():
        if word == known or word.startswith(known + " (") or word == f"ollama or {known}":
            return name
    raise Unsupported(f"engine {text!r} is not one of ollama, llama.cpp, vllm")


def whole(text: str, default: int, column: str) -> int:
    """A positive whole number that a machine could have; empty is the default."""
    if not text.strip():
        return default
    try:
        number = float(text)
    except ValueError:
        raise Unsupported(f"{column} {text!r} is not a number") from None
    if not math.isfinite(number) or number != int(number) or number < 1:
        raise Unsupported(f"{column} {text!r} is not a positive whole number")
    most = MOST.get(column, MOST_OF_ANYTHING)
    if number > most:
        raise Unsupported(f"{column} {text!r} is more than {most:,}")
    return int(number)


def model_and_format(engine: str, text: str, quantization: str) -> tuple[ModelSpec, WeightsFormat]:
    """The architecture, and the weights format: as written, else as the name implies, else the default.

    Raises:
        BadInput: an unknown model or format.
    """
    from advisor.models.names import find_model_and_format

    model, implied = find_model_and_format(text, offline=True)
    stated = quantization.strip() and quantization.strip().lower() not in UNSTATED
    fmt = weights_format(quantization) if stated else implied
    if fmt and engine == "vllm" and model.native_format.startswith(f"{fmt.name}-"):
        fmt = weights_format(model.native_format)  # "int4" of a checkpoint that has 4 bit of its own kind
    return model, in_world(fmt or default_format(engine, model), engine)


def default_format(engine: str, model: ModelSpec) -> WeightsFormat:
    """The checkpoint's own format for vLLM; the library's default quantisation for llama.cpp and Ollama."""
    if engine == "vllm":
        return weights_format(model.native_format)
    return weights_format(model.ollama_quantization or "q4_K_M")


def in_world(fmt: WeightsFormat, engine: str) -> WeightsFormat:
    """The same precision in the engine's own files: bf16 is bf16-gguf for llama.cpp, other 4-bit formats like q4_0."""
    world = "vllm" if engine == "vllm" else "ollama"
    if engine == "llama.cpp" and fmt.name in ("mxfp4", "mxfp4-gguf"):
        return weights_format("mxfp4-moe")  # ggml-org's own files keep the rest in Q8_0
    if world in fmt.engines:
        return fmt
    twin = constants("formats")["twins"][world].get(fmt.name)
    if twin:
        return weights_format(twin)
    if world == "ollama":
        return weights_format("q4_0" if fmt.linear_bits < 6 else "q8_0")
    raise BadInput(f"quantization {fmt.name!r} is a GGUF format, which vLLM 0.33 does not load")


def _vllm(words: Words, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready:
    from advisor.engines.vllm.memory import default_utilization, memory
    from advisor.engines.vllm.sizing import device_defaults
    from advisor.engines.vllm.speed import prepared, step_of

    cards = len(hardware.accelerators)
    tensor, pipeline = ranks(words, model, max(cards, 1))
    batched, seqs = device_defaults(hardware.accelerators)
    slots = whole(words.slots, 0, "slots")
    replicas = max(1, cards // (tensor * pipeline))
    candidate = Candidate(
        engine="vllm",
        model_ref=model.hf_id,
        weights_format=fmt.name,
        kv_cache_dtype=words.kv_dtype.split(" ")[0] or "auto",
        device="gpu" if cards else "cpu",
        gpu_indices=tuple(range(cards)),
        context_tokens=words.context_tokens,
        max_in_flight=slots or seqs,
        max_batched_tokens=max(batched, slots),
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        replicas=replicas,
        memory_utilization=default_utilization() if cards else None,
    )
    sized, note = _fitting(memory(candidate, hardware, model))
    known = prepared(candidate, hardware, model, words.engine_version)
    if known is None:
        raise Unsupported(f"no source gives the memory bandwidth of {words.gpu!r}")
    step = step_of(known, fitted("vllm"))
    rule = benchmark_rule(fitted("vllm"), candidate.max_in_flight, candidate.max_batched_tokens, age=known.age)
    capacity = sized.full_sequences * held_bytes(known.facts, candidate.context_tokens)
    return Ready("vllm", "vllm", known, step, rule, capacity, sized.kv_tokens, replicas, note)


def benchmark_rule(
    values: Constants, slots: float, chunk_tokens: float, *, ollama: bool = False, age: float = 0.0
) -> Discipline:
    """The engine's discipline under a benchmark's clients, of which a part comes in step (`speed/lockstep.py`)."""
    return discipline(values, slots, chunk_tokens, ollama=ollama, age=age)._replace(together=values["together"])


def _fitting(found: Memory) -> tuple[Memory, str]:
    """The memory as planned; a configuration that is a little short runs one request at a time, and says so."""
    if found.fits and found.full_sequences >= 1.0:
        return found, ""
    if found.short_bytes > TIGHT * found.device_bytes:
        needs, may = (found.budget_bytes + found.short_bytes) / GIB, found.budget_bytes / GIB
        raise Unsupported(f"does not fit: needs {needs:.1f} GiB a card, may use {may:.1f} GiB")
    return replace(found, full_sequences=max(found.full_sequences, 1.0)), "memory is tight: a few requests at a time"


def ranks(words: Words, model: ModelSpec, cards: int) -> tuple[int, int]:
    """Tensor and pipeline parallel degree of one replica; where not given, tensor parallel as the heads allow."""
    if words.tp.strip() or words.pp.strip():
        tensor, pipeline = whole(words.tp, 1, "tp"), whole(words.pp, 1, "pp")
        if tensor * pipeline > cards:
            raise Unsupported(f"tp {tensor} x pp {pipeline} needs more than the {cards} cards of gpu_count")
        return tensor, pipeline
    tensor = next(n for n in range(cards, 0, -1) if cards % n == 0 and model.heads % n == 0)
    return tensor, cards // tensor


def _llamacpp(words: Words, engine: str, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready:
    from advisor.engines.ollama.memory import memory
    from advisor.engines.ollama.sizing import batch_for, offloaded, single_slot
    from advisor.engines.ollama.speed import MICRO_BATCH_TOKENS, prepared, step_of

    cards = len(hardware.accelerators)
    slots = whole(words.slots, 0, "slots")
    served = engine == "llama.cpp" and not any(name in words.engine.lower() for name in ONE_AT_A_TIME)
    running = slots or (LLAMA_SERVER_SLOTS if served and not words.alone else 1)
    if engine == "ollama" and single_slot(model):
        running = 1
    kv_dtype = words.kv_dtype.split("/")[0].split(" ")[0].lower()
    candidate = Candidate(
        engine="ollama",
        model_ref=model.hf_id,
        weights_format=fmt.name,
        kv_cache_dtype=kv_dtype if kv_dtype and kv_dtype != "auto" else "f16",
        device="gpu" if cards else "cpu",
        gpu_indices=tuple(range(cards)),
        context_tokens=words.context_tokens,
        max_in_flight=running,
        max_batched_tokens=batch_for(words.context_tokens, running),
    )
    whole_fits = memory(candidate, hardware, model)
    tight = whole_fits.fits or whole_fits.short_bytes <= TIGHT * whole_fits.device_bytes
    placed = candidate if tight else offloaded(candidate, hardware, model)
    known = prepared(placed, hardware, model, engine, words.engine_version)
    if known is None:
        raise Unsupported(f"no source gives the memory bandwidth of {words.gpu!r}")
    values, ollama = fitted("llamacpp"), engine == "ollama"
    step = step_of(known, values, ollama=ollama)
    chunk = max(candidate.max_batched_tokens, MICRO_BATCH_TOKENS)
    rule = benchmark_rule(values, running, chunk, ollama=ollama, age=known.age)
    note = f"{placed.cpu_layers} of {model.layers} layers run on the CPU" if placed.cpu_layers else ""
    return Ready(engine, "llamacpp", known, step, rule, float("inf"), running * words.context_tokens, 1, note)
