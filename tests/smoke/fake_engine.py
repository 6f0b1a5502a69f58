#!/usr/bin/env python3
"""An engine that answers like vLLM, with timings and faults that a test chooses. In-process, or as a program.

As a program it takes vLLM's arguments (`serve MODEL --port P ...`) and reads from the environment:
FAKE_FAULT  flag | memory | model | driver | disk | dies-loading | hangs | slots | name
FAKE_TTFT_S, FAKE_TPOT_S  timings
FAKE_CUTS  on SIGTERM it ends at once, as Ollama does; else requests in flight finish
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Behaviour:
    """How the fake engine behaves."""

    model: str = "fake"
    ttft_s: float = 0.02
    tpot_s: float = 0.005
    slots: int = 64
    context: int = 4096
    fixed_tokens: int = 9  # of the chat template
    fail_every: int = 0  # each n-th request gets 503
    cut_every: int = 0  # each n-th stream breaks off
    healthy: bool = True
    pieces: int = 1  # tokens in one event
    turned: float = 0.0  # beyond 0 the worst passage is ranked first, as with a wrong prompt
    seen: list[str] = field(default_factory=list)  # prompts
    most_running: int = 0
    running: int = 0


class Fake:
    """One server."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.how = behaviour
        self.free = asyncio.Semaphore(behaviour.slots)
        self.count = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        task = asyncio.current_task()
        assert task is not None  # a handler runs in one
        self.tasks.add(task)
        try:
            line = (await reader.readline()).decode().split()
            if len(line) < 2:
                return
            length = 0
            while head := (await reader.readline()).strip():
                if head.lower().startswith(b"content-length:"):
                    length = int(head.split(b":")[1])
            body = json.loads(await reader.readexactly(length)) if length else {}
            await self.route(line[0], line[1], body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    async def route(self, method: str, path: str, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """The paths of vLLM that a smoke test asks for."""
        if path == "/health":
            if not self.how.healthy:
                await asyncio.sleep(3600)
            await plain(writer, 200, "")
        elif path == "/v1/models":
            await plain(writer, 200, json.dumps({"data": [{"id": self.how.model}]}))
        elif path in ("/version", "/api/version"):
            await plain(writer, 200, json.dumps({"version": "0.33.0"}))
        elif path == "/metrics":
            await plain(writer, 200, self.metrics())
        elif path == "/v1/rerank":
            await plain(writer, 200, json.dumps(self.ranked(body)))
        else:
            await self.complete(body, writer)

    def ranked(self, body: dict[str, Any]) -> dict[str, Any]:
        """As vLLM 0.33 answers (entrypoints/pooling/scoring/protocol.py), scored by the words that are shared."""
        asked = set(body["query"].lower().strip("?").split())
        shared = [len(asked & set(text.lower().strip(".").split())) / len(asked) for text in body["documents"]]
        scores = [self.how.turned - score if self.how.turned else score for score in shared]
        results: list[dict[str, Any]] = [
            {"index": number, "document": {"text": text, "multi_modal": None}, "relevance_score": score}
            for number, (text, score) in enumerate(zip(body["documents"], scores, strict=True))
        ]
        results.sort(key=lambda result: scores[result["index"]], reverse=True)
        read = sum(len(text.split()) + len(asked) for text in body["documents"])
        usage = {"prompt_tokens": read, "total_tokens": read}
        best = results[: body.get("top_n") or len(results)]
        return {"id": "score-1", "model": self.how.model, "usage": usage, "results": best}

    def metrics(self) -> str:
        """A page as vLLM writes it."""
        return (
            f'vllm:cache_config_info{{block_size="16",kv_cache_size_tokens="{os.environ.get("FAKE_KV", 46592)}"}} 1.0\n'
            f'vllm:generation_tokens_total{{engine="0"}} {self.count}.0\n'
            f'vllm:request_success_total{{reason="length"}} {self.count}.0\n'
            f'vllm:request_success_total{{reason="stop"}} 0.0\n'
        )

    async def complete(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Wait for a slot, then send token after token."""
        self.count += 1
        number = self.count
        prompt = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        self.how.seen.append(prompt)
        tokens = len(prompt.split()) + self.how.fixed_tokens
        wanted = body.get("max_tokens", 16)
        if tokens + 1 > self.how.context:
            message = f"This model's maximum context length is {self.how.context} tokens."
            return await plain(writer, 400, json.dumps({"error": {"message": message}}))
        if self.how.fail_every and number % self.how.fail_every == 0:
            return await plain(writer, 503, '{"error": "busy"}')
        usage = {"prompt_tokens": tokens, "completion_tokens": wanted}
        async with self.free:
            self.how.running += 1
            self.how.most_running = max(self.how.most_running, self.how.running)
            try:
                await asyncio.sleep(self.how.ttft_s)
                if not body.get("stream"):
                    choice = {"message": {"role": "assistant", "content": "word " * wanted}, "finish_reason": "length"}
                    return await plain(writer, 200, json.dumps({"choices": [choice], "usage": usage}))
                await self.stream(wanted, usage, number, writer)
            finally:
                self.how.running -= 1
        return None

    async def stream(self, wanted: int, usage: dict[str, Any], number: int, writer: asyncio.StreamWriter) -> None:
        """Chunked server-sent events; every piece carries `pieces` tokens."""
        # One connection carries one request: unsaid, a gateway keeps it and loses its next request in the close.
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
        writer.write(head + b"Connection: close\r\n\r\n")
        await event(writer, {"choices": [{"delta": {"role": "assistant", "content": ""}}]})
        for token in range(0, wanted, self.how.pieces):
            if token:
                await asyncio.sleep(self.how.tpot_s * self.how.pieces)
            if self.how.cut_every and number % self.how.cut_every == 0 and token >= wanted // 2:
                writer.transport.abort()
                return
            await event(writer, {"choices": [{"delta": {"content": "word "}}]})
        await event(writer, {"choices": [{"delta": {}, "finish_reason": "length"}]})
        await event(writer, {"choices": [], "usage": usage})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()


async def event(writer: asyncio.StreamWriter, data: dict[str, Any]) -> None:
    """One event as one chunk."""
    text = f"data: {json.dumps(data)}\n\n".encode()
    writer.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
    await writer.drain()


async def plain(writer: asyncio.StreamWriter, status: int, text: str) -> None:
    """A whole answer."""
    body = text.encode()
    writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()


@asynccontextmanager
async def serving(behaviour: Behaviour, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The fake engine in this process; yields its base URL."""
    fake = Fake(behaviour)
    server = await asyncio.start_server(fake.handle, host, port, limit=1 << 22)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(fake.tasks):
            task.cancel()


FAULTS = {
    "flag": ("vllm: error: unrecognized arguments: --no-such-flag", 2),
    "memory": ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", 1),
    "model": ("OSError: /models/none does not appear to have a file named config.json", 1),
    "driver": ("RuntimeError: Found no NVIDIA driver on your system.", 1),
    "disk": ("OSError: [Errno 28] No space left on device", 1),
}


async def program() -> int:
    """`vllm serve MODEL --port P --served-model-name N --max-num-seqs S --max-model-len L`, with a worker process."""
    words = sys.argv
    fault = os.environ.get("FAKE_FAULT", "")
    if fault in FAULTS:
        print(FAULTS[fault][0], flush=True)
        return FAULTS[fault][1]

    def option(name: str) -> str:
        return words[words.index(name) + 1]

    seqs = 1 if fault == "slots" else int(option("--max-num-seqs"))
    print(f"non-default args: {{'max_num_seqs': {seqs}}}", flush=True)
    print(f"Using max model len {option('--max-model-len')}", flush=True)
    print("Starting to load model", flush=True)
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)"])
    if fault == "dies-loading":
        worker.kill()
        os.kill(os.getpid(), signal.SIGKILL)
    how = Behaviour(
        model="another" if fault == "name" else option("--served-model-name"),
        ttft_s=float(os.environ.get("FAKE_TTFT_S", "0.02")),
        tpot_s=float(os.environ.get("FAKE_TPOT_S", "0.004")),
        slots=seqs,
        context=int(option("--max-model-len")),
        healthy=fault != "hangs",
    )
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    host = option("--host") if "--host" in words else "127.0.0.1"
    async with serving(how, int(option("--port")), host):
        print("Application startup complete.", flush=True)
        await over.wait()
        while how.running and not os.environ.get("FAKE_CUTS"):  # requests in flight finish
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
    worker.terminate()
    worker.wait()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(program()))
