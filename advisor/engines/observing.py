"""What only an engine's plug-in knows about its running server, and how a metrics page is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from advisor.edge.answers import fetched
from advisor.edge.prometheus import Sample, read_samples
from advisor.edge.reading import parse_json
from advisor.engines.asking import Server
from advisor.engines.looking import Reader
from advisor.errors import BadInput
from advisor.schema import RunningEngine, value


@value
class Effective:
    """Settings in force, as the running engine tells them; None where it does not."""

    kv_tokens: int | None = None
    slots: int | None = None  # requests that run at once
    context_tokens: int | None = None  # of one request
    max_concurrency: float | None = None  # requests of full context that the KV cache holds
    other: Mapping[str, str] = field(default_factory=dict)
    seen_in: str = ""  # where it was read


class Observer(Protocol):
    """What is asked of a running engine: facts about its API, what its log and metrics say, and how it is watched."""

    EXACT_LENGTH: bool  # takes `ignore_eos`
    METRICS_PATH: str | None
    VERSION_PATH: str  # answers {"version": ...}
    CUTS_LONG_PROMPTS: bool  # answers a prompt over its context all the same, shortened
    CONTEXT_KEYS: tuple[str, ...]  # of an error that says the prompt is too long

    def running(self, port: int | None = None) -> RunningEngine | None:
        """The server that answers on this machine, at its usual port where none is given; None: none within seconds."""
        ...

    def progress(self, line: str) -> str | None:
        """What a log line says about the start, for a person; None: nothing."""
        ...

    def effective(self, log: str, metrics: str) -> Effective:
        """Settings in force, from the whole log and the metrics page."""
        ...

    def figures(self, metrics: str) -> Mapping[str, float]:
        """The counters worth keeping of a metrics page."""
        ...

    def reader(self, server: Server) -> Reader:
        """How a server is looked at, again and again, on this machine or another."""
        ...


def samples_of(page: str) -> tuple[Sample, ...]:
    """The samples of a page of metrics; none where it is empty or no such page: half a page tells no figure."""
    try:
        return read_samples(page, "metrics")
    except BadInput:
        return ()


LOOPBACK = "127.0.0.1"
PATIENCE_S = 2.0  # of one question to a server on this machine
_MOST_BYTES = 4 << 20  # of its answer
MOST_COUNT = 10**18  # of bytes or tokens
MOST_NAME = 1024  # characters of a model, which may be the path of a file


def listens(port: int) -> bool:
    """Whether anything takes connections at a port of this machine: cheap, before a client is imported."""
    import socket

    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.3):
            return True
    except OSError:
        return False


def asked(port: int, path: str) -> dict[str, Any]:
    """The JSON object that a server of this machine answers with; empty where it answers anything else."""
    url = f"http://{LOOPBACK}:{port}{path}"
    try:
        found = parse_json(fetched(url, idle_s=PATIENCE_S, total_s=PATIENCE_S, most=_MOST_BYTES, here=True), url)
    except (OSError, BadInput):
        return {}
    return found if isinstance(found, dict) else {}


def whole(number: object) -> int | None:
    """A count that a server tells; None where it is none that any server could have."""
    return number if type(number) is int and 0 <= number <= MOST_COUNT else None


def named(name: object) -> str | None:
    """The name of a model that a server tells; None where it is none."""
    return name if isinstance(name, str) and 0 < len(name) <= MOST_NAME else None
