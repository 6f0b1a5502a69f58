"""A real Caddy with a rendered Caddyfile, in front of the fake engine or of a server that writes down what it gets."""

from __future__ import annotations

import asyncio
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from advisor.render import render
from advisor.schema import Plan
from tests.engines.engine_cases import first_plan, tool
from tests.smoke.fake_engine import Behaviour, Fake

KEY, NEXT_KEY = "0123456789abcdef-one", "0123456789abcdef-two"


def planned(engine: str = "vllm", machine: str = "rtx-4090", load: str = "production", **changed: Any) -> Plan:
    """A plan that others reach, with gateway and monitoring."""
    return replace(first_plan(engine, machine, load), parts=("gateway", "monitoring"), **changed)


def narrow(plan: Plan, slots: int = 1, peak: int = 1) -> Plan:
    """The same plan for so few at once that a test can fill it."""
    estimate = plan.estimate
    candidate = replace(estimate.candidate, max_in_flight=slots, replicas=1)
    return replace(plan, estimate=replace(estimate, candidate=candidate, peak_in_flight=peak))


def written(plan: Plan, folder: Path) -> Path:
    """The deployment folder of a plan."""
    for file in render(plan):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        path.chmod(0o755 if file.executable else 0o644)
    return folder


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Upstream:
    """The fake engine in a thread, and the paths that reached it."""

    how: Behaviour
    port: int = field(default_factory=free_port)
    paths: list[str] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator[Upstream]:
        """Run until the block ends."""
        upstream = self

        class Recording(Fake):
            async def route(self, method: str, path: str, body: dict, writer: asyncio.StreamWriter) -> None:  # type: ignore[type-arg]
                if path != "/health":
                    upstream.paths.append(path)
                await super().route(method, path, body, writer)

        loop = asyncio.new_event_loop()
        fake: list[Fake] = []

        async def begin() -> asyncio.Server:
            fake.append(Recording(self.how))
            return await asyncio.start_server(fake[0].handle, "127.0.0.1", self.port, limit=1 << 22)

        server = loop.run_until_complete(begin())
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:

            async def finish() -> None:
                server.close()
                tasks = [task for task in fake[0].tasks if not task.done()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

            asyncio.run_coroutine_threadsafe(finish(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


class Witness(http.server.BaseHTTPRequestHandler):
    """Answers everything with 200 and keeps the headers."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]]

    def do_POST(self) -> None:
        """Read the body, remember path and headers."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.path, {key.lower(): text for key, text in self.headers.items()}))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_GET(self) -> None:
        """Health."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Front:
    """A running gateway."""

    port: int
    metrics_port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, method: str, path: str, key: str | None = KEY, body: Any = None, **headers: str) -> Reply:
        """One request, its path as it is written."""
        sent = dict(headers)
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body=data, headers=sent)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)

    def chat(self, key: str | None = KEY, **changed: Any) -> Reply:
        """One short chat."""
        return self.ask("POST", "/v1/chat/completions", key, chat(**changed))

    def metrics(self) -> str:
        """What Prometheus would read."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)) as connection:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")


def chat(**changed: Any) -> dict[str, Any]:
    """The body of a short chat."""
    return {"model": "fake", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4} | changed


@contextmanager
def gateway(caddyfile: Path, upstream: int, folder: Path, **env: str) -> Iterator[Front]:
    """Caddy with this file on free ports, until the block ends."""
    port, metrics_port = free_port(), free_port()
    known = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "ADVISOR_UPSTREAM": f"127.0.0.1:{upstream}",
        "ADVISOR_PORT": str(port), "ADVISOR_METRICS_PORT": str(metrics_port), "ADVISOR_API_KEY": KEY,
    }  # fmt: skip
    log = folder / "gateway.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [tool("caddy"), "run", "--config", str(caddyfile), "--adapter", "caddyfile"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=known | env, start_new_session=True, cwd=folder,
        )  # fmt: skip
    try:
        wait_for(port, process, log)
        yield Front(port, metrics_port, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path, patience_s: float = 60) -> None:
    """Until somebody listens; a program that ended meanwhile fails the test with its log."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace")[-3000:])
