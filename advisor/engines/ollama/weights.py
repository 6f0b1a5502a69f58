"""Which GGUF of a model Ollama would load: a library tag in some quantisation, or a local file."""

from __future__ import annotations

from typing import NamedTuple

from advisor.catalog import weights_format
from advisor.catalog.model_names import ollama_reference
from advisor.schema import ModelSpec, Workload

LIBRARY_DEFAULT = "q4_K_M"  # of most default tags
SIXTEEN_BIT = "f16"
FOUR_BIT = ("awq-int4", "gptq-int4", "w4a16")


class Weights(NamedTuple):
    """A GGUF quantisation, and the tag or path that holds it."""

    format: str
    ref: str


def choices(model: ModelSpec, workload: Workload) -> tuple[Weights, ...]:
    """The file itself, or the quantisation asked for, or what the library's default tag holds. Empty: no GGUF known."""
    if model.origin == "gguf" and model.path:
        return (Weights(weights_format(model.native_format).name, model.path),)
    name = gguf_name(workload.quantization, model)
    if name is None:
        return ()
    found = ollama_reference(model, name)
    if found is None or is_remote(found[0]):
        return ()
    return (Weights(name, found[0]),)


def gguf_name(asked: str, model: ModelSpec) -> str | None:
    """The GGUF format that answers a request: 16 bit is f16, generic 4 bit is the default; None: there is none."""
    default = weights_format(model.ollama_quantization or LIBRARY_DEFAULT).name
    if asked == "auto":
        return default
    wanted = weights_format(asked)
    if wanted.kind == "gguf":
        return wanted.name
    if wanted.kind == "plain":
        return SIXTEEN_BIT
    if wanted.name == "mxfp4":
        return default if default.startswith("mxfp4") else None
    return default if wanted.name in FOUR_BIT else None


def is_remote(tag: str) -> bool:
    """Tags that run on the vendor's servers: never a local deployment."""
    return tag.endswith((":cloud", "-cloud"))
