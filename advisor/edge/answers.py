"""What a server answers, within a bounded time and size: one that trickles, redirects or never ends holds nobody up."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")  # this machine


def fetched(
    url: str, *, idle_s: float, total_s: float, most: int, here: bool = False, body: bytes | None = None
) -> bytes:
    """The body that a GET of an http(s) address answers, or, where a JSON `body` is given, a POST.

    Args:
        url: made by this program.
        idle_s: seconds without a sign of life.
        total_s: seconds for the whole answer.
        most: bytes of it; a longer one is refused.
        here: the server is on this machine: no proxy is asked, and nobody is sent elsewhere.

    Raises:
        OSError: refused, cut, no HTTP, too long or too slow; `urllib.error.HTTPError`, which is one, with its code.
    """
    import http.client

    def ask() -> bytes:
        with _open(url, idle_s, here, body) as answer:
            content: bytes = answer.read(most + 1)
        return content

    try:
        content = within(total_s, ask)
    except (http.client.HTTPException, ValueError) as error:  # ValueError: it redirects to what is no address
        raise OSError(f"not understood ({type(error).__name__})") from None
    if len(content) > most:
        raise OSError(f"the answer is larger than {most // 1024:,} KiB")
    return content


def why(error: OSError) -> str:
    """`connection refused`: what stands behind an error of the network, without its number."""
    cause = getattr(error, "reason", None) or error
    said = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return f"{said[:1].lower()}{said[1:]}"


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` returns or raises, unless it takes longer: an answer may trickle in byte by byte for ever.

    Raises:
        TimeoutError: it did.
    """
    came: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            came.put((ask(), None))
        except Exception as error:  # noqa: BLE001 - raised again by who asked
            came.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = came.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no whole answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return cast(T, answer)


def _open(url: str, idle_s: float, here: bool, body: bytes | None) -> Any:
    """With proxies and redirects as usual, or, for a server on this machine, with none of either."""
    import urllib.request

    headers = {"User-Agent": "advisor"} | ({"Content-Type": "application/json"} if body is not None else {})
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - the address is ours
    return _direct().open(request, timeout=idle_s) if here else urllib.request.urlopen(request, timeout=idle_s)  # noqa: S310


@functools.cache
def _direct() -> Any:
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        """A redirect is answered as the error that it is here."""

        def redirect_request(self, *_: Any, **__: Any) -> None:
            """Nowhere."""

    return urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
