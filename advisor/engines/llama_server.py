"""A llama-server as others measured it: Ollama's kernels and memory, with slots and files of its own. Not planned."""

from __future__ import annotations

from advisor.catalog import weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.engines import ollama
from advisor.engines.llamacpp.speed import FIT, llama_server
from advisor.engines.ollama.ready import served
from advisor.engines.ready import Ready, Wanted
from advisor.physics.speed.setup import fitted
from advisor.schema import Hardware, ModelSpec

NAME = "llama.cpp"
SLOTS = 4  # its own choice where -np is not given
ONE_AT_A_TIME = ("text-generation-webui", "llama-cpp-python")  # what wraps llama.cpp and has no slots
OWN_FILES = {"mxfp4-gguf": "mxfp4-moe"}  # those of ggml-org keep the rest in Q8_0


def files_of(fmt: WeightsFormat | None, model: ModelSpec) -> WeightsFormat:
    """Ollama's files, but for those that ggml-org publishes in its own way."""
    found = ollama.files_of(fmt, model)
    return weights_format(OWN_FILES.get(found.name, found.name))


def ready(wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready | None:
    """Its own number of slots where nobody says, and one behind a wrapper that has none."""
    wrapped = any(name in wanted.server.lower() for name in ONE_AT_A_TIME)
    slots = wanted.slots or (1 if wrapped or wanted.alone else SLOTS)
    return served(NAME, llama_server(fitted(FIT)), slots, wanted, hardware, model, fmt)
