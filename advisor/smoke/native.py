"""A deployment folder as processes of this machine: run.sh and stop.sh."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path

from advisor.schema import Plan
from advisor.smoke import processes
from advisor.smoke.runner import SPARE_S, State, read_text


class NativeRunner:
    """`run.sh` and `stop.sh` of the folder, in a session of their own, so that whatever they start is found again."""

    name = "native"

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder.resolve()
        self._out = self._folder / "smoke" / "run.log"
        self._starter: subprocess.Popen[bytes] | None = None

    def problems(self) -> list[str]:
        """Scripts and programs that are missing."""
        missing = [f"{name} is not in {self._folder}" for name in ("run.sh", "stop.sh") if not self._has(name)]
        programs = [self._plan.launch.program[0], "bash", "curl", "ps"]
        return missing + [f"{name} is not installed (not on PATH)" for name in programs if not shutil.which(name)]

    def start(self) -> None:
        """Run run.sh in the background."""
        self._out.parent.mkdir(parents=True, exist_ok=True)
        with self._out.open("wb") as out:
            self._starter = subprocess.Popen(
                ["bash", "run.sh"],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def state(self) -> State:
        """run.sh ends when the engine is ready, or with an error."""
        code = self._starter.poll() if self._starter else 1
        if code is None:
            return "starting"
        return "ready" if code == 0 else "failed"

    def log(self) -> str:
        """The engine's log, then what run.sh said."""
        return "\n".join(filter(None, (read_text(self._folder / "state" / "engine.log"), read_text(self._out))))

    def stop(self) -> None:
        """Run stop.sh; what outlives it is for `leftovers` to show."""
        if self._starter is not None and self._starter.poll() is None:
            self._starter.send_signal(signal.SIGTERM)  # still starting: run.sh stops what it began
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._starter.wait(timeout=SPARE_S)
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ["bash", "stop.sh"],
                cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                timeout=self._plan.launch.drain_s + SPARE_S, start_new_session=True,
            )  # fmt: skip

    def leftovers(self) -> list[str]:
        """Processes of the session, named."""
        if self._starter is None:
            return []
        self._starter.poll()
        return [f"{p.name} (process {p.pid})" for p in processes.of_session(self._starter.pid)]

    def end(self) -> None:
        """Stop, then end by force what is left."""
        if self._starter is None or not self.leftovers():
            return
        self.stop()
        processes.end_session(self._starter.pid)
        for name in ("engine.pid", "engine.started"):
            with contextlib.suppress(OSError):
                (self._folder / "state" / name).unlink(missing_ok=True)

    def memory_bytes(self) -> int | None:
        """Memory of the session's processes."""
        return processes.memory_bytes(self._starter.pid) if self._starter else None

    def cpu_seconds(self) -> float | None:
        """Processor time of the session's processes."""
        return processes.cpu_seconds(self._starter.pid) if self._starter else None

    def _has(self, name: str) -> bool:
        return (self._folder / name).is_file()
