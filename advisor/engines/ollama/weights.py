"""Which GGUF of a model Ollama would load: a library tag in some quantisation, or a local file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from advisor.catalog import formats, weights_format
from advisor.engines.llamacpp.rates import kernel_of
from advisor.models.names import library_reference
from advisor.schema import ModelSpec, Workload

LIBRARY_DEFAULT = "q4_K_M"  # of most default tags
SIXTEEN_BIT = "f16"  # how the library spells both 16-bit types
VISIBLE = "C"  # the quality tier whose loss people see
NEARLY_LOSSLESS = "q8_0"  # half the bytes of 16 bit, and no loss that benchmarks show


class Weights(NamedTuple):
    """A GGUF quantisation, and the tag or path that holds it."""

    format: str
    ref: str


def choices(model: ModelSpec, workload: Workload) -> tuple[Weights, ...]:
    """The file itself, or the quantisation asked for; else the library's default and the precise one.

    Empty: no GGUF is known.
    """
    if model.origin == "gguf" and model.path:
        return (Weights(weights_format(model.native_format).name, model.path),)
    asked = _held(model, gguf_names(workload.quantization, model))
    if workload.quantization != "auto" or workload.pooled:
        return asked[:1]
    if not asked or weights_format(asked[0].format).linear_bits >= weights_format(NEARLY_LOSSLESS).linear_bits:
        return asked[:1]
    return (asked[0], *_held(model, (NEARLY_LOSSLESS,)))


def every_choice(model: ModelSpec, workload: Workload) -> tuple[Weights, ...]:
    """Where none was asked for, the smallest of the library for each quality and kernel; else the one asked for.

    What a finer one of the same kernel carries, the smaller one carries too. Unasked none has a visible loss: below
    about 4 bits a person decides.
    """
    usual = choices(model, workload)
    if workload.quantization != "auto" or model.path:
        return usual
    unasked = [entry.name for entry in formats().values() if entry.kind == "gguf" and entry.quality_tier != VISIBLE]
    held = _held(model, unasked)
    smallest: dict[tuple[str, str], Weights] = {}
    for choice in sorted(held, key=lambda choice: -weights_format(choice.format).linear_bits):
        entry = weights_format(choice.format)
        smallest[entry.quality_tier, kernel_of(entry)] = choice
    return tuple(dict.fromkeys([*usual, *smallest.values()]))


def _held(model: ModelSpec, names: Iterable[str]) -> tuple[Weights, ...]:
    """Those of these formats that the library holds."""
    tags = {name: library_reference(model, name) for name in names}
    return tuple(Weights(name, tag[0]) for name, tag in tags.items() if tag is not None and not is_remote(tag[0]))


def gguf_names(asked: str, model: ModelSpec) -> tuple[str, ...]:
    """The GGUF formats that answer a request, nearest first (FP8: Q8_0, 16 bit: F16). Empty: none does."""
    if asked == "auto":
        return (weights_format(model.ollama_quantization or LIBRARY_DEFAULT).name,)
    wanted = weights_format(asked, "ollama")
    if wanted.kind != "gguf":
        return ()
    return (wanted.name, SIXTEEN_BIT) if wanted.linear_bits == 16 and wanted.name != SIXTEEN_BIT else (wanted.name,)


def is_remote(tag: str) -> bool:
    """Tags that run on the vendor's servers: never a local deployment."""
    return tag.endswith((":cloud", "-cloud"))
