"""The reader that belongs to a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from advisor.watch.ollama import OllamaReader
from advisor.watch.reading import Reader
from advisor.watch.server import Server
from advisor.watch.vllm import VllmReader

READERS: Mapping[str, Callable[[Server], Reader]] = {"ollama": OllamaReader, "vllm": VllmReader}


def reader_of(server: Server) -> Reader:
    """How that server is looked at."""
    return READERS[server.engine](server)
