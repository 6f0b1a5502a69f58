"""A small HTTP/1.1 client on asyncio streams: one request a connection, bodies as they arrive.

The load generator shares the machine with the engine it measures, so every chunk has to be cheap.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from advisor.edge.reading import parse_json
from advisor.edge.terminal import shown
from advisor.errors import BadInput

_LINE_LIMIT = 1 << 20  # one line of a reply: a long error or a whole answer in one event
MOST_HEADERS = 100
MOST_BYTES = 256 << 20  # of the stream of the longest answer: 250 bytes for each of a million tokens
MOST_OF_A_TEXT = 16 << 20  # of a reply that is read as a whole
_PIECE = 1 << 16


class Broken(Exception):
    """The exchange ended before its reply did; `kind` is a word for the table of errors."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


@dataclass
class Reply:
    """Status and headers of a reply, and its body piece by piece."""

    status: int
    headers: Mapping[str, str]
    _reader: asyncio.StreamReader

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives: chunked, of known length, or until the connection closes.

        Raises:
            Broken: cut, or longer than any answer.
        """
        told = 0
        chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        async for piece in self._chunked() if chunked else self._plain():
            told += len(piece)
            if told > MOST_BYTES:
                raise Broken("too long", f"the reply is longer than {MOST_BYTES >> 20} MiB")
            yield piece

    async def _chunked(self) -> AsyncIterator[bytes]:
        while left := int((await self._reader.readline()).split(b";")[0].strip() or b"-1", 16):
            if left < 0:
                raise Broken("cut", "the connection closed in the middle of the reply")
            while left:
                piece = await self._reader.readexactly(min(left, _PIECE))
                left -= len(piece)
                yield piece
            await self._reader.readexactly(2)

    async def _plain(self) -> AsyncIterator[bytes]:
        left = int(self.headers.get("content-length", "-1"))
        while left and (piece := await self._reader.read(min(left, _PIECE) if left > 0 else _PIECE)):
            left -= len(piece) if left > 0 else 0
            yield piece
        if left > 0:
            raise Broken("cut", f"{left} bytes of the reply are missing")

    async def text(self) -> str:
        """The whole body.

        Raises:
            Broken: as `pieces`; or longer than a text that is read as a whole.
        """
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > MOST_OF_A_TEXT:
                raise Broken("too long", f"the reply is longer than {MOST_OF_A_TEXT >> 20} MiB")
        return body.decode("utf-8", "replace")

    async def events(self) -> AsyncIterator[str]:
        """The data of each server-sent event.

        Raises:
            Broken: as `pieces`; or a line has no end.
        """
        rest = b""
        async for piece in self.pieces():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    yield line[5:].strip().decode("utf-8", "replace")
            if len(rest) > _LINE_LIMIT:
                raise Broken("protocol", "an event is longer than any token")


@contextlib.contextmanager
def understood(server: str) -> Iterator[None]:
    """Whatever goes wrong with an exchange is `Broken`, with a word for its kind."""
    try:
        yield
    except ConnectionRefusedError as error:
        raise Broken("refused", f"nothing listens at {server}") from error
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        raise Broken("cut", "the connection closed in the middle of the reply") from error
    except (ssl.SSLError, OSError) as error:
        raise Broken("network", f"{server}: {error}") from error
    except (ValueError, asyncio.LimitOverrunError) as error:
        raise Broken("protocol", f"{server}: not understood ({error})") from error


@asynccontextmanager
async def exchange(
    method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Reply]:
    """Send one request; the connection closes with the block, also when the reply was not read to its end.

    Raises:
        Broken: refused, cut, or not HTTP. Time limits are the caller's (`asyncio.timeout`).
    """
    parts = split(url)
    payload = b"" if body is None else json.dumps(body).encode()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close", "Accept: */*"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {text}" for name, text in (headers or {}).items()]
    writer: asyncio.StreamWriter | None = None
    try:
        with understood(parts.netloc):
            reader, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if parts.scheme == "https" else 80),
                ssl=ssl.create_default_context() if parts.scheme == "https" else None,
                limit=_LINE_LIMIT,
            )
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
            await writer.drain()
            yield await _head(reader)
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


async def fetch(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
) -> tuple[int, str]:
    """Status and whole body of one request.

    Raises:
        Broken: refused, cut, or no answer within `timeout_s` (kind "timeout").
    """
    try:
        async with asyncio.timeout(timeout_s), exchange(method, url, body, headers) as reply:
            return reply.status, await reply.text()
    except TimeoutError as error:
        raise Broken("timeout", f"no answer within {timeout_s:g} s") from error


async def fetch_json(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
) -> tuple[int, Any]:
    """The same, with the body read as JSON; None where it is not JSON."""
    status, text = await fetch(method, url, body, headers, timeout_s)
    try:
        return status, parse_json(text, url)
    except BadInput:
        return status, None


def split(url: str) -> Any:
    """The parts of an http(s) URL.

    Raises:
        BadInput: another scheme, or no host.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{shown(url)} is no URL of a server; expected http://HOST:PORT")
    return parts


async def _head(reader: asyncio.StreamReader) -> Reply:
    first = (await reader.readline()).split()
    if len(first) < 2 or not first[0].startswith(b"HTTP/"):
        raise Broken("cut", "the server closed the connection without a reply")
    headers: dict[str, str] = {}
    while line := (await reader.readline()).strip():
        name, _, text = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = text.strip()
        if len(headers) > MOST_HEADERS:
            raise Broken("protocol", f"the reply has more than {MOST_HEADERS} headers")
    return Reply(int(first[1]), headers, reader)
