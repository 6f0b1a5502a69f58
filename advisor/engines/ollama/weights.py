"""Which GGUF of a model Ollama would load: a library tag in some quantisation, or a local file."""

from __future__ import annotations

from typing import NamedTuple

from advisor.catalog import weights_format
from advisor.models.names import library_reference
from advisor.schema import ModelSpec, Workload

LIBRARY_DEFAULT = "q4_K_M"  # of most default tags
SIXTEEN_BIT = "f16"  # how the library spells both 16-bit types


class Weights(NamedTuple):
    """A GGUF quantisation, and the tag or path that holds it."""

    format: str
    ref: str


def choices(model: ModelSpec, workload: Workload) -> tuple[Weights, ...]:
    """The file itself, or the quantisation asked for, or the library's default. Empty: no GGUF is known."""
    if model.origin == "gguf" and model.path:
        return (Weights(weights_format(model.native_format).name, model.path),)
    for name in gguf_names(workload.quantization, model):
        found = library_reference(model, name)
        if found is not None and not is_remote(found[0]):
            return (Weights(name, found[0]),)
    return ()


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
