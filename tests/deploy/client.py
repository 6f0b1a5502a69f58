"""One client of a deployment: what it says does not depend on the engine behind the gateway."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

PORT = 8080


@dataclass
class Answer:
    """Status, headers, the whole text, and when each event of a stream arrived."""

    status: int
    headers: dict[str, str]
    text: str
    arrived: list[float]

    @property
    def whole(self) -> bool:
        """A stream that ended as it should."""
        return self.status == 200 and self.text.rstrip().endswith("data: [DONE]")


@dataclass
class Client:
    """Base URL, key and model name: all that a client has to know; and when each event of its streams was heard."""

    key: str | None
    model: str
    port: int = PORT
    patience_s: float = 900  # of a busy machine
    heard: list[float] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One request."""
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience_s)) as connection:
            connection.request(method, path, body=data, headers=headers | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            lines, arrived = [], []
            for line in answer:
                lines.append(line.decode(errors="replace"))
                if line.startswith(b"data: "):
                    arrived.append(time.monotonic())
                    self.heard.append(arrived[-1])
            found = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, found, "".join(lines), arrived)

    def chat(self, words: str = "Tell a long story about the sea.", tokens: int = 16, stream: bool = False) -> Answer:
        """One question."""
        body = {
            "model": self.model, "messages": [{"role": "user", "content": words}], "max_tokens": tokens,
            "temperature": 0.7, "top_p": 0.9, "stream": stream,
            "min_tokens": tokens,  # vLLM; Ollama takes no notice, and a long story is long by itself
        }  # fmt: skip
        return self.ask("POST", "/v1/chat/completions", body)

    def many(self, number: int, tokens: int, pool: ThreadPoolExecutor) -> list[Future[Answer]]:
        """That many streams at once."""
        words = "Tell a long story about the sea, and then another one, number"
        return [pool.submit(self.chat, f"{words} {n}.", tokens, True) for n in range(number)]


@contextmanager
def again_and_again(ask: Callable[[int], object], clients: int, pause_s: float = 0.0) -> Iterator[None]:
    """So many clients that ask one thing after the other, each by its number, until the block ends."""
    over = threading.Event()

    def go_on(number: int) -> None:
        while not over.is_set():
            ask(number)
            over.wait(pause_s)

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(go_on, number) for number in range(clients)]
        try:
            yield
        finally:
            over.set()
    for each in running:
        each.result()
