"""Two machines for tests: network namespaces with one cable between them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.required import absent

ADDRESSES = ("10.77.31.1", "10.77.31.2")


def ip(*words: str, check: bool = True) -> str:
    """Run `ip`."""
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True).stdout


@pytest.fixture
def machines() -> Iterator[tuple[str, str]]:
    """Two network namespaces with one cable between them; whatever still runs there at the end is killed."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        absent("two network namespaces need root and the program ip (iproute2)")
    names = (f"advisor-{os.getpid()}-a", f"advisor-{os.getpid()}-b")
    made = subprocess.run(["ip", "netns", "add", names[0]], capture_output=True, text=True, check=False)
    if made.returncode:
        absent(f"no network namespace can be made here: {made.stderr.strip()}")
    try:
        ip("netns", "add", names[1])
        ip("-n", names[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", names[1])
        for name, address in zip(names, ADDRESSES, strict=True):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names:
            for pid in processes(name):
                os.kill(pid, signal.SIGKILL)
            ip("netns", "del", name, check=False)


def processes(name: str) -> list[int]:
    """What runs in a namespace, but for what has ended and was not collected yet."""
    found = []
    for pid in ip("netns", "pids", name, check=False).split():
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        except OSError:
            continue
        if state != "Z":
            found.append(int(pid))
    return found
