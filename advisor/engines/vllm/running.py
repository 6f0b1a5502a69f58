"""A vLLM that runs on this machine."""

from __future__ import annotations

from advisor.engines.observing import LOOPBACK, asked, listens, named, whole
from advisor.schema import RunningEngine, ServedModel

USUAL_PORT = 8000


def running(port: int | None = None) -> RunningEngine | None:
    """The server with what it serves, as far as it tells without a key; None: none answers."""
    port = port or USUAL_PORT
    version = asked(port, "/version").get("version") if listens(port) else None
    if not isinstance(version, str):
        return None
    cards = asked(port, "/v1/models").get("data")
    served = [card for card in cards if isinstance(card, dict)] if isinstance(cards, list) else []
    return RunningEngine(
        engine="vllm",
        address=f"{LOOPBACK}:{port}",
        version=version,
        models=tuple(
            ServedModel(name=name, context_tokens=whole(card.get("max_model_len")))
            for card in served
            if (name := named(card.get("id")))
        ),
    )
