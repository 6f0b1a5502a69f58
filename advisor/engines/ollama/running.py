"""An Ollama that runs on this machine, asked as its own client asks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from advisor.engines.observing import LOOPBACK, asked, listens, named, whole
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
    loaded, listed = _models(port, "/api/ps"), _models(port, "/api/tags")
    return RunningEngine(
        engine="ollama",
        address=f"{LOOPBACK}:{port}",
        version=version,
        models=tuple(_served(name, loaded.get(name, {})) for name in listed),
    )


def _models(port: int, path: str) -> dict[str, Mapping[str, Any]]:
    """The models that a path lists, by name; none where it answers, but not as Ollama does."""
    models = asked(port, path).get("models")
    told = [model for model in models if isinstance(model, dict)] if isinstance(models, list) else []
    return {name: model for model in told if (name := named(model.get("model")))}


def _served(name: str, held: Mapping[str, Any]) -> ServedModel:
    return ServedModel(
        name=name,
        loaded_bytes=whole(held.get("size")),
        gpu_bytes=whole(held.get("size_vram")),
        context_tokens=whole(held.get("context_length")),
    )
