"""From the words of a request row to a configuration that is ready for any load.

Everything that does not depend on the load is found once per distinct configuration: names, cards, format, memory,
and the engine's step. A million rows over a thousand configurations cost a thousand look-ups.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import NamedTuple

from advisor.catalog import constants, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.edge.terminal import shown
from advisor.engines import predictable
from advisor.engines.ready import Predictable, Ready, Unsupported, Wanted
from advisor.errors import BadInput
from advisor.physics.speed.setup import fitted
from advisor.predict.speculation import speculation_of, with_speculation
from advisor.probe.simulate import simulate
from advisor.schema import Hardware, ModelSpec

MOST = {"gpu_count": 4096, "tp": 4096, "pp": 4096}
MOST_OF_ANYTHING = 1_000_000
MOST_OF_A_NAME = 200  # characters


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
    speculation: str
    cpu: str
    context_tokens: int  # rounded up to a power of two
    alone: bool  # one request at a time, as a single-stream benchmark runs


def ready_for(words: Words) -> Ready:
    """Resolve the names, and let the engine place the model on the cards and freeze its step.

    Raises:
        Unsupported: with the reason.
    """
    engine = engine_of(words.engine)
    for column in ("gpu", "quantization", "kv_dtype", "engine_version", "speculation", "cpu"):
        if len(getattr(words, column)) > MOST_OF_A_NAME:
            raise Unsupported(f"{column} {shown(getattr(words, column))} is longer than any name")
    try:
        hardware = _hardware(words)
        model, fmt = model_and_format(engine, words.model, words.quantization)
    except BadInput as error:
        raise Unsupported(str(error)) from None
    found = engine.ready(_wanted(words), hardware, model, fmt)
    if found is None:
        raise Unsupported(f"no source gives the memory bandwidth of {shown(words.gpu)}")
    wanted = speculation_of(words.speculation)
    return found if wanted is None else with_speculation(found, wanted, fitted(found.prepared.fit))


def engine_of(text: str) -> Predictable:
    """The engine of that name, with or without a remark: "vLLM", "Ollama", "llama.cpp (Vulkan)", ..."""
    engines, spellings = predictable(), constants("written")["engines"]
    name = text.strip().lower().split(" (")[0]
    found = engines.get(spellings.get(name, name))
    if found is None:
        raise Unsupported(f"engine {shown(text)} is not one of {', '.join(engines)}")
    return found


def _hardware(words: Words) -> Hardware:
    watts = whole(words.power_limit_watts, 0, "power_limit_watts") or None
    found = simulate(words.gpu, whole(words.gpu_count, 1, "gpu_count"), watts, guess=True)
    if not words.cpu.strip():
        return found
    named = simulate(f"CPU: {words.cpu.strip()}", guess=True)
    if not found.accelerators:
        return named
    return replace(found, cpu=replace(named.cpu, memory_bytes=found.cpu.memory_bytes))


def _wanted(words: Words) -> Wanted:
    """What a row says about how the model is run."""
    stated = words.tp.strip() or words.pp.strip()
    return Wanted(
        server=words.engine,
        version=words.engine_version,
        split=(whole(words.tp, 1, "tp"), whole(words.pp, 1, "pp")) if stated else None,
        kv_dtype=words.kv_dtype,
        slots=whole(words.slots, 1, "slots") if words.slots.strip() else None,
        context_tokens=words.context_tokens,
        alone=words.alone,
    )


def whole(text: str, default: int, column: str) -> int:
    """A positive whole number that a machine could have; empty is the default."""
    if not text.strip():
        return default
    try:
        number = float(text)
    except ValueError:
        raise Unsupported(f"{column} {shown(text)} is not a number") from None
    if not math.isfinite(number) or number != int(number) or number < 1:
        raise Unsupported(f"{column} {shown(text)} is not a positive whole number")
    most = MOST.get(column, MOST_OF_ANYTHING)
    if number > most:
        raise Unsupported(f"{column} {shown(text)} is more than {most:,}")
    return int(number)


def model_and_format(engine: Predictable, text: str, quantization: str) -> tuple[ModelSpec, WeightsFormat]:
    """The architecture, and the weights format: as written, else as the name implies, else the engine's default.

    Raises:
        BadInput: an unknown model or format, or one that the engine does not load.
    """
    from advisor.models.names import find_model_and_format

    model, implied = find_model_and_format(text, offline=True)
    return model, engine.files_of(_beside(text, implied, quantization) or implied, model)


def _beside(model: str, implied: WeightsFormat | None, quantization: str) -> WeightsFormat | None:
    """The format that is written beside the model's name; None where it says no more than the name does.

    Logs cut such words out of it: `Qwen3` beside `Qwen3.6-27B-UD-Q8_K_XL`, `Q4_XS` beside `IQ4_XS`.
    """
    try:
        return _stated(quantization)
    except BadInput:
        if implied is None or quantization.strip().lower() not in model.lower():
            raise
        return None


def _stated(quantization: str) -> WeightsFormat | None:
    """The format that is written, with what may stand around its name: `QAT Q4_0`, `fp8 (modelopt)`; None: unsaid.

    Raises:
        BadInput: no known format, said of all that was written.
    """
    name = quantization.split("(")[0].strip() or quantization.strip()
    if name.lower() in ("", *constants("written")["unstated"]):
        return None
    words = [] if "," in name else name.split()
    for one in (quantization, name, *reversed(words)):
        with contextlib.suppress(BadInput):
            return weights_format(one)
    return weights_format(quantization)
