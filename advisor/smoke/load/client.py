"""An OpenAI-compatible server as a client sees it: one streamed request, timed token by token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from advisor.schema import value
from advisor.smoke.load.events import event_of
from advisor.smoke.load.http import Broken, exchange

Endpoint = Literal["chat", "completions"]


@dataclass(frozen=True)
class Server:
    """Where the engine answers, and what it is called."""

    base_url: str  # http://127.0.0.1:8000
    model: str
    exact_length: bool  # takes `ignore_eos`, so an answer has exactly the tokens that were asked for
    endpoint: Endpoint = "chat"
    key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # merged into every body

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def url(self, path: str) -> str:
        """The address of a path on this server."""
        return self.base_url.rstrip("/") + path

    @property
    def path(self) -> str:
        """Where prompts go."""
        return "/v1/chat/completions" if self.endpoint == "chat" else "/v1/completions"

    def body(self, prompt: str, output_tokens: int, *, stream: bool) -> dict[str, Any]:
        """The request for one prompt."""
        body: dict[str, Any] = {"model": self.model, "max_tokens": output_tokens, "stream": stream}
        if self.endpoint == "chat":
            body["messages"] = [{"role": "user", "content": prompt}]
        else:
            body["prompt"] = prompt
        if stream:
            body["stream_options"] = {"include_usage": True}
        if self.exact_length:
            body["ignore_eos"] = True
        return {**body, **self.extra}


@value
class Answer:
    """One request as it went. Times are seconds; `sent_s` and `ended_s` count from the start of the run."""

    sent_s: float
    ended_s: float
    ttft_s: float | None  # None: no token came
    arrivals_s: tuple[float, ...]  # of each piece of text, from the start of the run
    input_tokens: int
    output_tokens: int
    error: str | None = None  # "refused", "cut", "timeout", "http 503", ...
    detail: str = ""
    finish: str = ""  # "length", "stop", "tool_calls"

    @property
    def e2e_s(self) -> float:
        """From request to last byte."""
        return self.ended_s - self.sent_s

    @property
    def tpot_s(self) -> float | None:
        """Mean seconds a token after the first; None with fewer than two."""
        if self.ttft_s is None or self.output_tokens < 2:
            return None
        return (self.arrivals_s[-1] - self.arrivals_s[0]) / (self.output_tokens - 1)


async def ask(
    server: Server,
    prompt: str,
    output_tokens: int,
    *,
    origin: float | None = None,
    timeout_s: float = 600.0,
    on_token: Callable[[], None] = lambda: None,
) -> Answer:
    """Send one streamed request and time it; whatever goes wrong is in the answer, never raised.

    Args:
        server: where to.
        prompt: the user's text.
        output_tokens: the most (with `exact_length` exactly) so many tokens.
        origin: `time.perf_counter()` of the start of the run; None: now.
        timeout_s: for the whole answer.
        on_token: called at each piece of text.
    """
    sent = time.perf_counter()
    start = sent if origin is None else origin
    arrivals: list[float] = []
    usage = (0, 0)
    finish, error, detail = "", None, ""
    body = server.body(prompt, output_tokens, stream=True)
    try:
        async with (
            asyncio.timeout(timeout_s),
            exchange("POST", server.url(server.path), body, server.headers) as reply,
        ):
            if reply.status != 200:
                raise Broken(f"http {reply.status}", (await reply.text())[:500])
            async for event in reply.events():
                if event == "[DONE]":
                    break
                said = event_of(event)
                usage, finish = said.usage or usage, said.finish or finish
                if said.texts:
                    arrivals.extend([time.perf_counter() - start] * said.texts)
                    on_token()
        if not finish:
            error, detail = "cut", "the stream ended without a finish reason"
    except Broken as broken:
        error, detail = broken.kind, str(broken)
    except TimeoutError:
        error, detail = "timeout", f"not finished within {timeout_s:g} s"
    return Answer(
        sent_s=sent - start,
        ended_s=time.perf_counter() - start,
        ttft_s=arrivals[0] - (sent - start) if arrivals else None,
        arrivals_s=tuple(arrivals),
        input_tokens=usage[0],
        output_tokens=usage[1] or len(arrivals),
        error=error,
        detail=detail,
        finish=finish,
    )
