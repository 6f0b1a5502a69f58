"""The page served on loopback until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable

import uvicorn

from advisor.errors import EnvironmentFailed
from advisor.page.app import app
from advisor.page.sizes import Sizer

_HOST = "127.0.0.1"
_WAITING = 128  # connections


def serve(port: int, tell: Callable[[str], None], *, browser: bool, size: Sizer) -> None:
    """Serve until interrupted; the address with its token is told once it can be opened.

    Args:
        port: 0 takes a free one.
        browser: open it, where somebody sits at a screen.
        size: finds the machines for a load.

    Raises:
        EnvironmentFailed: the port is taken, or may not be.
    """
    token = secrets.token_urlsafe(24)
    with _listening(port) as listener:
        bound = listener.getsockname()[1]
        address = f"http://{_HOST}:{bound}/{token}/"
        config = uvicorn.Config(
            app(token, bound, size=size), log_level="warning", access_log=False, server_header=False, lifespan="on",
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        tell(address)
        if browser and _somebody_looks():
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        raise EnvironmentFailed(
            f"--port {port}: {_HOST}:{port} cannot be used ({error.strerror}); --port 0 takes a free one"
        ) from None
    return listener


def _somebody_looks() -> bool:
    screen = os.name == "nt" or sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return screen and sys.stdout.isatty()
