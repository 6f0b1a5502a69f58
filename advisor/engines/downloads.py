"""How long a download may take before something is wrong."""

from __future__ import annotations

BYTES_PER_S = 25e6  # a 200 Mbit/s line; assumed, and only patience: a faster one is simply healthy earlier


def download_s(size_bytes: float) -> float:
    """Seconds to wait for so many bytes."""
    return size_bytes / BYTES_PER_S
