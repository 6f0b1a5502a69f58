"""What stands before every request: this machine alone, by the address that was printed, from no other page."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NAMES = ("127.0.0.1", "localhost")  # loopback, as a browser writes it
MOST_BYTES = 1 << 20  # of a request's body
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # the address holds the token
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Guard:
    """Lets through what names the token and comes from this page; all else gets an empty answer.

    The token is the first part of the path and is taken away, so that every relative link carries it and no cookie is
    needed. Every answer tells how long the server took.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {f"{name}:{port}" for name in _NAMES} | (set(_NAMES) if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        inside = self._inside(scope) if scope["type"] == "http" else None
        if inside is None:
            await _nothing(scope, receive, send)
        else:
            await self._app({**scope, "path": inside, "raw_path": inside.encode()}, _limited(receive), _timed(send))

    def _inside(self, scope: Scope) -> str | None:
        """The path behind the token; None: the request is not for us."""
        headers = {name.decode("latin-1"): item.decode("latin-1") for name, item in scope["headers"]}
        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        if not secrets.compare_digest(first.encode(), self._token) or not self._from_here(headers):
            return None
        return "/" + rest if slash else None

    def _from_here(self, headers: Mapping[str, str]) -> bool:
        """Asked by a loopback name, which a foreign name that leads here is not, and by no other page."""
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        return host in self._hosts and (origin is None or origin.lower() == f"http://{host}")


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _limited(receive: Receive) -> Receive:
    """A body that goes on beyond what a form may hold counts as one that was broken off."""
    taken = 0

    async def some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > MOST_BYTES else message

    return some


def _timed(send: Send) -> Send:
    began = time.perf_counter()

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            took = f"answer;dur={(time.perf_counter() - began) * 1000:.1f}"
            own = [(name.encode(), item.encode()) for name, item in (HEADERS | {"server-timing": took}).items()]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await send(message)

    return told
