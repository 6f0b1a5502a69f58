"""Engines that answer on this machine are found, with their models; whatever else listens there is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from advisor.engines import ENGINES
from advisor.probe.describe import lines
from advisor.probe.simulate import simulate
from advisor.schema import RunningEngine, ServedModel

LISTED = {"models": [{"model": "qwen3:8b"}, {"model": "bge-m3:latest"}]}
LOADED = {"models": [{"model": "qwen3:8b", "size": 6 << 30, "size_vram": 5 << 30, "context_length": 8192}]}
OLLAMA = {"/api/version": {"version": "0.34.2"}, "/api/tags": LISTED, "/api/ps": LOADED}
VLLM = {"/version": {"version": "0.33.0"}, "/v1/models": {"data": [{"id": "qwen3-8b", "max_model_len": 8192}, "odd"]}}


@contextmanager
def server(pages: Mapping[str, Any]) -> Iterator[int]:
    """Something that answers these pages with JSON (text as it is), and 404 elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            body = (page if isinstance(page, str) else json.dumps(page)).encode()
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made.server_address[1]
        made.shutdown()


def test_a_running_ollama_tells_its_models_and_what_they_hold() -> None:
    """Version, every model, and of the loaded one memory, its part on accelerators, and context."""
    with server(OLLAMA) as port:
        found = ENGINES["ollama"].observer().running(port)
    assert found is not None and found.version == "0.34.2"
    loaded = ServedModel(name="qwen3:8b", loaded_bytes=6 << 30, gpu_bytes=5 << 30, context_tokens=8192)
    assert found.models == (loaded, ServedModel(name="bge-m3:latest"))


def test_a_running_vllm_tells_what_it_serves() -> None:
    """Version and the served name with its context; an odd entry is passed over."""
    with server(VLLM) as port:
        found = ENGINES["vllm"].observer().running(port)
    assert found is not None
    assert (found.version, found.models) == ("0.33.0", (ServedModel(name="qwen3-8b", context_tokens=8192),))


@pytest.mark.parametrize(
    "pages", [{}, {"/version": "<html>", "/api/version": "<html>"}, {"/version": [], "/api/version": 3}]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_what_answers_otherwise_is_no_engine(engine: str, pages: Mapping[str, Any]) -> None:
    """A web server, a page of HTML, JSON of another shape: nobody is found, nothing fails."""
    with server(pages) as port:
        assert ENGINES[engine].observer().running(port) is None
    assert ENGINES[engine].observer().running(port) is None  # nobody listens any more


@pytest.mark.parametrize("odd", ["<html>", {"models": 3}, {"models": [{"model": 7}]}, []])
def test_an_ollama_that_answers_oddly_is_still_found(odd: Any) -> None:
    """Its version counts; models that its client library cannot read are left out."""
    with server({**OLLAMA, "/api/ps": odd}) as port:
        found = ENGINES["ollama"].observer().running(port)
    assert found is not None and found.version == "0.34.2"


@pytest.mark.parametrize(
    ("named", "port"),
    [("", 11434), ("0.0.0.0", 11434), ("127.0.0.1:9999", 9999), ("http://localhost:81", 81), ("10.0.0.7:9999", 11434),
     (":::x", 11434)],
)  # fmt: skip
def test_only_this_machine_is_asked(named: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """OLLAMA_HOST moves the port where it names this machine; another machine's address is never asked."""
    from advisor.engines.ollama.running import usual_port

    monkeypatch.setenv("OLLAMA_HOST", named)
    assert usual_port() == port


@pytest.mark.parametrize(("engine", "pages"), [("ollama", OLLAMA), ("vllm", VLLM)])
def test_no_proxy_stands_before_this_machine(
    engine: str, pages: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a proxy is set for everything, a server of this machine is asked directly all the same."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server(pages) as port:
        found = ENGINES[engine].observer().running(port)
    assert found is not None and found.models


def test_probe_shows_what_runs() -> None:
    """One line an engine: name, version, address, models, and what is loaded."""
    running = RunningEngine(
        engine="ollama", address="127.0.0.1:11434", version="0.34.2",
        models=(ServedModel(name="qwen3:8b", loaded_bytes=6 << 30), ServedModel(name="bge-m3")),
    )  # fmt: skip
    told = dict(lines(replace(simulate("RTX 4090"), running=(running,))))
    assert told["running"] == "ollama 0.34.2 at 127.0.0.1:11434: qwen3:8b (6.0 GiB loaded), bge-m3"
