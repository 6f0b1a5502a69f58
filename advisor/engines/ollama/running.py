"""An Ollama that runs on this machine: its answers, read by its own client library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from advisor.engines.observing import LOOPBACK, asked, listens, named, whole
from advisor.engines.ollama.server import USUAL_PORT
from advisor.schema import RunningEngine, ServedModel

if TYPE_CHECKING:
    from ollama import ListResponse, ProcessResponse


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
    import ollama  # its types read what it answers; it is asked within our own limits of time and size

    loaded = _models(port, "/api/ps", ollama.ProcessResponse)
    return RunningEngine(
        engine="ollama",
        address=f"{LOOPBACK}:{port}",
        version=version,
        models=tuple(_served(name, loaded.get(name)) for name in _models(port, "/api/tags", ollama.ListResponse)),
    )


def _models(port: int, path: str, shape: type[ListResponse | ProcessResponse]) -> dict[str, object]:
    """The models that a path lists, by name; none where it answers, but not as Ollama does."""
    try:
        found = shape.model_validate(asked(port, path)).models
    except ValueError:
        return {}
    return {name: model for model in found if (name := named(model.model))}


def _served(name: str, held: object) -> ServedModel:
    return ServedModel(
        name=name,
        loaded_bytes=_count(held, "size"),
        gpu_bytes=_count(held, "size_vram"),
        context_tokens=_count(held, "context_length"),
    )


def _count(held: object, field: str) -> int | None:
    told = getattr(held, field, None)
    return None if told is None else whole(int(told))
