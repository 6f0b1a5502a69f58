"""Memory bandwidth without a compiler: the C library reads large buffers in several threads at once."""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
import time

from advisor.units import MIB

_PASSES = 5  # the first one warms up


def read_bytes_per_s(threads: int, bytes_a_thread: int = 128 * MIB) -> float | None:
    """Bytes/s that all threads together read from memory; None where the C library cannot be called.

    `memchr` looks for a byte that is not there, so it reads all of the buffer once. ctypes releases the interpreter's
    lock meanwhile. The buffers together have to be larger than the last-level cache.
    """
    library = _library()
    if library is None:
        return None
    try:
        buffers = [_filled(library, bytes_a_thread) for _ in range(threads)]
    except MemoryError:
        return None
    best = 0.0
    for number in range(_PASSES):
        rate = _one_pass(library, buffers, bytes_a_thread)
        if number:
            best = max(best, rate)
    return best


def _one_pass(library: ctypes.CDLL, buffers: list[ctypes.Array[ctypes.c_char]], size: int) -> float:
    """All threads start together; each one's own time counts, as in a sum of simultaneous streams."""
    gate = threading.Barrier(len(buffers))
    seconds = [0.0] * len(buffers)

    def scan(number: int) -> None:
        gate.wait()
        start = time.perf_counter()
        library.memchr(buffers[number], 255, size)
        seconds[number] = time.perf_counter() - start

    workers = [threading.Thread(target=scan, args=(number,)) for number in range(len(buffers))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(size / max(spent, 1e-9) for spent in seconds)


def _filled(library: ctypes.CDLL, size: int) -> ctypes.Array[ctypes.c_char]:
    """A buffer whose pages exist: untouched ones would all be the same page of zeros."""
    buffer = (ctypes.c_char * size)()
    library.memset(buffer, 1, size)
    return buffer


def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(ctypes.util.find_library("c") or None)
        library.memchr.restype = ctypes.c_void_p
        library.memchr.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        library.memset.restype = ctypes.c_void_p
        library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    except (OSError, AttributeError, TypeError):
        return None
    return library
