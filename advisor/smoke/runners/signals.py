"""Ctrl-C and SIGTERM in a program that has started others: they are stopped first, whatever comes in between."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# SIGHUP is none of Windows' signals.
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def terminate_is_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end a smoke test the way Ctrl-C does: with everything stopped."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)  # asyncio's, while it runs: it ends the steps in order
        if callable(handler):
            handler(number, frame)
        else:
            raise KeyboardInterrupt

    with _handled(_ENDINGS, interrupt):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """While something is being stopped, a second Ctrl-C does not leave it running."""

    def wait(_number: int, _frame: FrameType | None) -> None:
        print("still stopping what was started; this ends by itself", file=sys.stderr, flush=True)

    with _handled((signal.SIGINT, *_ENDINGS), wait):
        yield


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """These signals, unless they are ignored, go to `handler`; outside the main thread they are somebody else's."""
    kept = {}
    if threading.current_thread() is threading.main_thread():
        kept = {n: signal.signal(n, handler) for n in numbers if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, before in kept.items():
            signal.signal(number, before)
