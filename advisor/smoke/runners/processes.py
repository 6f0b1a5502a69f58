"""Processes of one session or container: who is alive, how much memory they hold, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from advisor.edge.children import run
from advisor.units import whole

PATIENCE_S = 10.0  # for a list of processes


class Process(NamedTuple):
    """One living process."""

    pid: int
    session: int
    name: str


def living() -> list[Process]:
    """Every process that has not ended; a finished one that nobody collected counts as ended."""
    listed = run(
        ["ps", "-A", "-o", "pid=,sess=,stat=,comm="], limit_s=PATIENCE_S, env={**os.environ, "LC_ALL": "C"}
    ).out
    found = []
    for line in listed.splitlines():
        pid, session, state, name = line.split(None, 3)
        number, of = whole(pid), whole(session)
        if not state.startswith("Z") and number is not None and of is not None:
            found.append(Process(number, of, name.strip()))
    return found


def starts(pids: Iterable[int]) -> dict[int, str]:
    """When each of these processes began, as `ps` and run.sh write it; those that are gone are left out."""
    wanted = ",".join(map(str, pids))
    if not wanted:
        return {}
    words = ["ps", "-o", "pid=,lstart=", "-p", wanted]
    lines = run(words, limit_s=PATIENCE_S, env={**os.environ, "LC_ALL": "C"}).out.splitlines()
    told = ((whole(pid), began) for pid, *began in filter(None, map(str.split, lines)))
    return {pid: " ".join(began) for pid, began in told if pid is not None and began}


def of_session(session: int) -> list[Process]:
    """Everything started under one session leader, whatever process groups it formed since."""
    return [process for process in living() if process.session == session]


def end_session(session: int, patience_s: float = 10.0) -> list[Process]:
    """TERM, then KILL, to every process of a session. Returns what lives all the same."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        left = of_session(session)
        for process in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, wanted)
        end = time.monotonic() + patience_s
        while left and time.monotonic() < end:
            time.sleep(0.1)
            left = of_session(session)
        if not left:
            return []
    return of_session(session)


def of_containers(ids: Iterable[str]) -> list[int]:
    """Processes of this machine that run in containers of these full ids; none where the containers are elsewhere."""
    wanted = set(ids)
    found = []
    for entry in Path("/proc").glob("[0-9]*") if wanted else ():
        try:
            places = (entry / "cgroup").read_text(encoding="utf-8")
        except OSError:
            continue
        if any(container in places for container in wanted):
            found.append(int(entry.name))
    return found


def memory_bytes(pids: Iterable[int]) -> int | None:
    """Memory of these processes, shared pages counted once; None where /proc does not tell."""
    total = 0
    for pid in pids:
        kilobytes = _pss_kb(pid)
        if kilobytes is None:
            return None
        total += kilobytes * 1024
    return total or None


def _pss_kb(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except FileNotFoundError:
        return 0 if Path("/proc/self").exists() else None
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def cpu_seconds(pids: Iterable[int]) -> float | None:
    """Processor time that these processes have used so far; None where /proc does not tell."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total or None


def busy_seconds() -> float | None:
    """Processor time that everything on this machine has used since boot; None where /proc does not tell."""
    try:
        user, nice, system, _, _, irq, softirq = Path("/proc/stat").read_text(encoding="ascii").split()[1:8]
    except (OSError, ValueError):
        return None
    return sum(map(int, (user, nice, system, irq, softirq))) / os.sysconf("SC_CLK_TCK")


def kills_for_memory() -> int | None:
    """How often the kernel has ended a process for want of memory since boot; None where it does not tell."""
    try:
        text = Path("/proc/vmstat").read_text(encoding="ascii")
    except OSError:
        return None
    counts = [int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")]
    return counts[0] if counts else None


def listener(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    import socket

    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False
