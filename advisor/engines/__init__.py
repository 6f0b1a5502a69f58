"""The registry: one line an engine. A new engine is three folders and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.engines import llama_server, ollama, vllm
from advisor.engines.base import Engine
from advisor.engines.ready import Predictable

ENGINES: Mapping[str, Engine] = {
    "ollama": ollama,
    "vllm": vllm,
}
# Measured by others and predicted; no plan chooses them.
SERVERS: Mapping[str, Predictable] = {
    llama_server.NAME: llama_server,
}


def predictable() -> Mapping[str, Predictable]:
    """Whom `advisor predict` can be asked about."""
    return {**ENGINES, **SERVERS}
