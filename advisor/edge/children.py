"""Programs that this one starts: each has a time limit, and none outlives this program, however that ends.

A child leads a session of its own. When its time is over, or it has ended and something that it began has not, all of
the session is killed. Where this program itself is killed (SIGKILL included), a guard does that: a shell that reads
from a pipe which only this program holds open, so that its end is the end of the pipe. A child tells the guard itself,
before it becomes the program that was asked for: this program may be killed before it has learned the child's number.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

MOST_BYTES = 1 << 20  # of what a child prints; the end of it is kept
SPARE_S = 0.5  # to take in what was printed in time, where nobody looked before
DYING_S = 5.0  # what was killed needs a turn of a busy processor to be gone
_GUARD = r"""
trap '' INT TERM HUP
living=
while read -r sign session; do
  kept=
  for each in $living; do [ "$each" = "$session" ] || kept="$kept $each"; done
  living=$kept
  [ "$sign" = - ] || living="$living $session"
done
for session in $living; do
  kill -KILL -- "-$session"
  for round in 1 2 3 4 5 6 7 8 9; do
    left=$(ps -A -o pid=,sess=,stat= | awk -v s="$session" '$2 == s && $3 !~ /^Z/ {print $1}')
    [ "$left" ] || break
    kill -KILL $left
    sleep 0.1
  done
done
"""
# Its standard input is the guard's pipe; a guard that is gone hinders nothing.
_TOLD = """trap '' PIPE; echo "+ $$" 2>/dev/null >&0; trap - PIPE; exec "$@" </dev/null"""
_WRITING = threading.Lock()


class Ended(NamedTuple):
    """How a child ended: `code` is None where its time was over."""

    code: int | None
    out: str
    err: str = ""


class Child:
    """A program that runs, in a session of its own; `collect` waits for its end."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        limit_s: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        merged: bool = False,
    ) -> None:
        """Start it now; `merged` puts what it prints on standard error into its output.

        Raises:
            OSError: it cannot be started.
        """
        self._until = time.monotonic() + limit_s
        errors = subprocess.STDOUT if merged else subprocess.PIPE
        self._process = guarded(words, cwd=cwd, env=env, out=subprocess.PIPE, err=errors)

    def collect(self) -> Ended:
        """Wait for the end of the program or of its time; nothing of its session lives afterwards."""
        pipes = [pipe for pipe in (self._process.stdout, self._process.stderr) if pipe]
        said = {pipe.fileno(): b"" for pipe in pipes}
        try:
            in_time = _read(pipes, said, self._until) and self._ended()
        finally:
            kill_session(self._process.pid)
            code = self._process.wait()
            released(self._process.pid)
            for pipe in pipes:
                pipe.close()
        out, err = (*(text.decode(errors="replace") for text in said.values()), "")[:2]
        return Ended(code if in_time else None, out, err)

    def _ended(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=max(self._until - time.monotonic(), 0.0))
        return self._process.poll() is not None


def run(
    words: Sequence[str],
    *,
    limit_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    merged: bool = False,
) -> Ended:
    """Start a program and wait for its end, or for that of its time.

    Raises:
        OSError: it cannot be started.
    """
    return Child(words, limit_s=limit_s, cwd=cwd, env=env, merged=merged).collect()


def members(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    if Path("/proc/self/stat").exists():
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - hundreds of names, a thousand times
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
                state, _, _, of = stat.read().rpartition(b")")[2].split()[:4]
                found += [int(name)] if int(of) == session and state not in b"ZX" else []
        return found
    listed = subprocess.run(["ps", "-A", "-o", "pid=,sess="], capture_output=True, text=True, check=False).stdout
    pairs = (line.split() for line in listed.splitlines())
    return [int(pair[0]) for pair in pairs if pair[1:] == [str(session)]]


def kill_session(session: int) -> None:
    """KILL to every process of a session and to those that they begin in the meantime, until none lives."""
    killpg = getattr(os, "killpg", None)
    if killpg is None:  # Windows has no sessions: what leads this one is ended
        with contextlib.suppress(OSError):
            os.kill(session, signal.SIGTERM)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        killpg(session, signal.SIGKILL)
    end = time.monotonic() + DYING_S
    while (left := members(session)) and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


@functools.cache
def guard() -> subprocess.Popen[bytes]:
    """The shell that outlives this program by a moment, started with the first child."""
    shell = subprocess.Popen(
        ["sh", "-c", _GUARD], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    atexit.register(_dismiss, shell)
    return shell


def guarded(
    words: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    out: int | IO[bytes],
    err: int | IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, which the guard ends should this program be gone.

    Raises:
        OSError: it cannot be started.
    """
    place = str(Path(cwd or "", words[0])) if "/" in words[0] else words[0]
    if shutil.which(place, path=(os.environ if env is None else env).get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
    return subprocess.Popen(
        ["/bin/sh", "-c", _TOLD, "sh", *words], cwd=cwd, env=env, stdin=guard().stdin, stdout=out, stderr=err,
        start_new_session=True,
    )  # fmt: skip


def released(session: int) -> None:
    """The session has ended, and its number may become another's."""
    pipe = guard().stdin
    with _WRITING, contextlib.suppress(OSError):  # a guard that somebody killed guards nothing, and hinders nothing
        if pipe is not None:
            pipe.write(f"- {session}\n".encode())
            pipe.flush()


def _dismiss(shell: subprocess.Popen[bytes]) -> None:
    """At the end of this program: the guard ends what is still guarded, and itself."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        if shell.stdin is not None:
            shell.stdin.close()
        shell.wait(timeout=5.0)


def _read(pipes: Sequence[IO[bytes]], said: dict[int, bytes], until: float) -> bool:
    """Gather what is printed, the last `MOST_BYTES` of each pipe; False where the time is over before their end."""
    with selectors.DefaultSelector() as waiting:
        for pipe in pipes:
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            left = until - time.monotonic()
            ready = waiting.select(max(left, 0.0))
            if not ready or left < -SPARE_S:
                return False
            for key, _ in ready:
                piece = os.read(key.fd, 1 << 16)
                said[key.fd] = (said[key.fd] + piece)[-MOST_BYTES:]
                if not piece:
                    waiting.unregister(key.fileobj)
    return True
