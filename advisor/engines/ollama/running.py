"""An Ollama that runs on this machine, asked through its own client library."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from advisor.engines.observing import LOOPBACK, PATIENCE_S, asked, listens
from advisor.schema import RunningEngine, ServedModel

USUAL_PORT = 11434


def usual_port() -> int:
    """Ollama's own, or that of OLLAMA_HOST where it names this machine."""
    named = os.environ.get("OLLAMA_HOST", "").strip()
    try:
        parts = urlsplit(named if "//" in named else f"//{named}")
        here = parts.hostname in (None, "localhost", LOOPBACK, "0.0.0.0", "::1", "::")  # noqa: S104 - read, not bound
        return parts.port or USUAL_PORT if here else USUAL_PORT
    except ValueError:
        return USUAL_PORT


def running(port: int | None = None) -> RunningEngine | None:
    """The server with its models; those that are loaded with their memory and context. None: none answers."""
    port = port or usual_port()
    version = asked(port, "/api/version").get("version") if listens(port) else None
    if not isinstance(version, str):
        return None
    import httpx
    import ollama

    client = ollama.Client(host=f"http://{LOOPBACK}:{port}", timeout=PATIENCE_S, trust_env=False)  # no proxy
    try:
        loaded = {model.model: model for model in client.ps().models}
        names = [model.model for model in client.list().models]
    except (ollama.ResponseError, httpx.HTTPError, ConnectionError, ValueError, TypeError):
        loaded, names = {}, []  # it answers, but not as the library expects
    return RunningEngine(
        engine="ollama",
        address=f"{LOOPBACK}:{port}",
        version=version,
        models=tuple(_served(name, loaded.get(name)) for name in names if name),
    )


def _served(name: str, held: object) -> ServedModel:
    return ServedModel(
        name=name,
        loaded_bytes=getattr(held, "size", None),
        gpu_bytes=getattr(held, "size_vram", None),
        context_tokens=getattr(held, "context_length", None),
    )
