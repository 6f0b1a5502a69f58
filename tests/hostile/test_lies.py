"""Servers that lie: every asker ends in time, with a value or a refusal in words, and goes nowhere it was not told."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from advisor.engines import ENGINES, observing
from advisor.errors import AdvisorError
from advisor.models import hub
from advisor.smoke.load import http
from advisor.smoke.load.client import Server, ask
from tests.hostile.table import hold, row

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TRICKLE = b"\0trickle\0"  # from here on byte by byte, for ever
ENDLESS = b"\0endless\0"  # from here on the same block for ever
LIES: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a head": b"HTTP/1.1 200",
    "a login page": OK + b"\r\n<html><form action=login>",
    "a redirect to a login page": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/login\r\nContent-Length: 0\r\n\r\n",
    "a redirect to itself": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "a redirect to a file": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "a redirect to nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    "a length that is no number": OK + b"Content-Length: many\r\n\r\n{}",
    "a length beyond all": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "less than it says": OK + b"Content-Length: 100\r\n\r\n{}",
    "odd chunks": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-5\r\n{}\r\n0\r\n\r\n",
    "a chunk of a terabyte": CHUNKED + b"ffffffffff\r\n{}" + ENDLESS,
    "an answer that never ends": OK + b"\r\ndata: {\"a\": [" + ENDLESS,
    "a head that never ends": OK + ENDLESS,
    "a head that trickles": b"HTTP/1.1 200 OK\r\nX: " + TRICKLE,
    "an answer that trickles": OK + b"\r\n{" + TRICKLE,
    "lists within lists": OK + b"\r\n" + b"[" * 100_000,
    "not a number": OK + b"\r\n{\"version\": NaN, \"total\": Infinity}",
    "other types": OK + b"\r\n{\"version\": [], \"models\": 3, \"data\": \"x\", \"safetensors\": {\"total\": \"x\"}}",
    "events of other types": OK + b"\r\ndata: 3\n\ndata: {\"choices\": [3]}\n\ndata: {\"usage\": \"x\"}\n\n",
    "an event without end": OK + b"\r\ndata: " + b"x" * (3 << 20),
    "an error in the stream": OK + b"\r\ndata: {\"error\": {\"message\": \"\x1b[2J\"}}\n\n",
}  # fmt: skip


@contextmanager
def liar(said: bytes) -> Iterator[int]:
    """A server that answers every request with these bytes."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        threading.Thread(target=_serve, args=(listening, said), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, said: bytes) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_lie, args=(client, said), daemon=True).start()


def _lie(client: socket.socket, said: bytes) -> None:
    block = b"0, " * 20_000
    with suppress(OSError), client:
        client.settimeout(20)
        client.recv(65536)
        first = said.partition(TRICKLE)[0].partition(ENDLESS)[0]
        client.sendall(first)
        while TRICKLE in said or ENDLESS in said:
            client.sendall(b"0" if TRICKLE in said else block)
            time.sleep(0.1 if TRICKLE in said else 0)


def of_hub(port: int) -> object:
    """A model that only the Hub knows."""
    return hub.fetch_model("somebody/model", "name another")


def of_ollama(port: int) -> object:
    """Whether an Ollama answers."""
    return ENGINES["ollama"].observer().running(port)


def of_vllm(port: int) -> object:
    """Whether a vLLM answers."""
    return ENGINES["vllm"].observer().running(port)


def of_load(port: int) -> object:
    """One request of the load generator, which has to count as failed."""
    server = Server(f"http://127.0.0.1:{port}", "m", exact_length=False)
    answer = asyncio.run(ask(server, "x", 8, timeout_s=1.0))
    assert answer.error, answer
    return answer


def of_smoke(port: int) -> object:
    """A whole answer of a step of the smoke test."""
    with suppress(http.Broken):
        return asyncio.run(http.fetch_json("GET", f"http://127.0.0.1:{port}/v1/models", timeout_s=1.0))
    return None


ASKERS: dict[str, Callable[[int], object]] = {
    "the Hub": of_hub, "Ollama": of_ollama, "vLLM": of_vllm, "the load generator": of_load, "the smoke test": of_smoke,
}  # fmt: skip


@pytest.mark.parametrize("asker", ASKERS)
def test_a_lie_is_refused_in_time(asker: str, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    """Every lie ends in a value or a refusal within its total time limit, and in less than 500 MB."""
    from tests.hostile.fuzz import MOST_MEMORY, _peak

    monkeypatch.setattr(hub, "TOTAL_S", 1.0)
    monkeypatch.setattr(observing, "PATIENCE_S", 1.0)
    before = _peak()
    for kind, said in LIES.items():
        with liar(said) as port:
            monkeypatch.setattr(hub, "ENDPOINT", f"http://127.0.0.1:{port}")
            began = time.monotonic()
            with suppress(AdvisorError):
                ASKERS[asker](port)
            assert time.monotonic() - began < (8.0 if os.environ.get("CI") else 5.0), kind
    assert _peak() - before < MOST_MEMORY
    line = row(f"lies told to {asker}", f"{len(LIES)} answers", tracebacks=0, over_2_s=0, over_500_MB=0)
    hold(line, update=pytestconfig.getoption("--update-golden"))
