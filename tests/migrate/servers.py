"""An Ollama and a vLLM that answer as the real ones did (0.34.2 and 0.32.0, on 2026-11-29), with models of a test's choice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SMOL = {
    "general.architecture": "llama", "general.basename": "smollm2", "general.finetune": "8k-lc100k-mix1-ep2",
    "general.organization": "HuggingFaceTB", "general.parameter_count": 134515008, "general.size_label": "135M",
    "llama.attention.head_count": 9, "llama.attention.head_count_kv": 3, "llama.block_count": 30,
    "llama.context_length": 8192, "llama.embedding_length": 576, "llama.vocab_size": 49152,
    "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.tokens": [],
}  # fmt: skip


def dimensions(layers: int, hidden: int, heads: int, architecture: str = "llama", **more: Any) -> dict[str, Any]:
    """What a file says of its shape."""
    shape = {"block_count": layers, "embedding_length": hidden, "attention.head_count": heads}
    return (
        {"general.architecture": architecture} | {f"{architecture}.{key}": item for key, item in shape.items()} | more
    )


@dataclass
class Model:
    """One model of the Ollama."""

    name: str
    info: dict[str, Any] = field(default_factory=lambda: dict(SMOL))
    quantization: str = "Q4_K_M"
    parent: str = ""
    loaded: int | None = None  # its context
    show: dict[str, Any] = field(default_factory=dict)
    listed: dict[str, Any] = field(default_factory=dict)

    @property
    def details(self) -> dict[str, Any]:
        """As tags, ps and show tell them."""
        return {
            "parent_model": self.parent,
            "format": "gguf",
            "family": "llama",
            "quantization_level": self.quantization,
        }


@dataclass
class Refused:
    """An answer that is none."""

    status: int


@dataclass
class Front:
    """What a server answers, by path, and what it was asked."""

    answers: dict[str, Any]
    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    word: str = "word"
    wait_s: float = 0.02

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def ollama(*models: Model) -> Front:
    """An Ollama with these models."""

    def show(body: Any) -> Any:
        found = next((each for each in models if each.name == body["model"]), None)
        if found is None:
            return None
        facts = {
            "modelfile": "FROM /x\n",
            "details": found.details,
            "model_info": found.info,
            "capabilities": ["completion"],
        }
        return facts | found.show

    held = [each for each in models if each.loaded]
    return Front(
        {
            "/api/version": {"version": "0.34.2"},
            "/api/tags": {"models": [{"name": each.name, "model": each.name, "details": each.details} | each.listed for each in models]},
            "/api/ps": {"models": [{"name": each.name, "size": 10**9, "size_vram": 10**9, "context_length": each.loaded} for each in held]},
            "/api/show": show,
            "/v1/models": {"object": "list", "data": [{"id": each.name} for each in models]},
        },
        word="before",
    )  # fmt: skip


def vllm(name: str, root: str, *, context: int = 4096, **more: Any) -> Front:
    """A vLLM that serves one checkpoint."""
    first = {"id": name, "object": "model", "root": root, "parent": None, "max_model_len": context}
    return Front(
        {"/version": {"version": "0.32.0"}, "/v1/models": {"object": "list", "data": [first, *more.pop("also", [])]}}
        | more,
        word="after",
    )


@contextmanager
def serving(front: Front) -> Iterator[Front]:
    """The server on a port of its own, or on the one that it has already."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(None)

        def do_POST(self) -> None:
            self.answer(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null"))

        def answer(self, body: Any) -> None:
            if self.path == "/v1/chat/completions":
                front.asked.append(body)
                self.chat(body)
                return
            found = front.answers.get(self.path)
            found = found(body) if callable(found) else found
            if isinstance(found, Refused):
                self.send_error(found.status)
                return
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def chat(self, body: Any) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
            self.end_headers()
            if not body.get("stream"):
                self.wfile.write(json.dumps({"choices": [{"message": {"content": front.word}}]}).encode())
                return
            for number in range(int(body.get("max_tokens") or 4)):
                time.sleep(front.wait_s)
                delta = {"choices": [{"index": 0, "delta": {"content": f"{front.word}{number} "}}]}
                self.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
            self.wfile.write(
                b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}\n\ndata: [DONE]\n\n'
            )

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", front.port), Handler)
    server.daemon_threads = True
    front.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
