"""The registry: one line an engine. A new engine is three folders and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.engines import ollama, vllm
from advisor.engines.base import Engine

ENGINES: Mapping[str, Engine] = {
    "ollama": ollama,
    "vllm": vllm,
}
