"""A deployment folder as processes of this machine: run.sh and stop.sh."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from advisor.edge.children import run
from advisor.schema import Plan
from advisor.smoke.runners import processes
from advisor.smoke.runners.base import SPARE_S, State, read_text
from advisor.smoke.runners.starter import Starter


class NativeRunner:
    """`run.sh` and `stop.sh` of the folder."""

    name = "native"
    begins = "run.sh began"
    poll_s = 0.5

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder.resolve()
        self._starter = Starter(self._folder, self._folder / "smoke" / "run.log")

    def problems(self) -> list[str]:
        """Scripts and programs that are missing."""
        missing = [f"{name} is not in {self._folder}" for name in ("run.sh", "stop.sh") if not self._has(name)]
        programs = [self._plan.launch.program[0], "bash", "curl", "ps"]
        return missing + [f"{name} is not installed (not on PATH)" for name in programs if not shutil.which(name)]

    def recover(self) -> bool:
        """By the record: the session of the run that was killed."""
        left = self._starter.recover()
        if left:
            self._forget_engine()
        return left

    def start(self) -> None:
        """Run run.sh in the background."""
        self._starter.begin(["bash", "run.sh"])

    def state(self) -> State:
        """run.sh ends when the engine is ready, or with an error."""
        return self._starter.state()

    def alive(self) -> bool:
        """The process that run.sh started lives."""
        pid = read_text(self._state("engine.pid")).strip()
        return any(str(process.pid) == pid for process in self._starter.processes())

    def log(self) -> str:
        """The engine's log, then what run.sh said."""
        return "\n".join(filter(None, (read_text(self._state("engine.log")), self._starter.said())))

    def stop(self) -> None:
        """Run stop.sh; what outlives it is for `leftovers` to show."""
        self._starter.interrupt(SPARE_S)  # still starting: run.sh stops what it began
        run(["bash", "stop.sh"], cwd=self._folder, limit_s=self._plan.launch.drain_s + SPARE_S)

    def leftovers(self) -> list[str]:
        """Processes of the session, named."""
        return [f"{process.name} (process {process.pid})" for process in self._starter.processes()]

    def end(self) -> None:
        """Stop, then end by force what is left."""
        if self.leftovers():
            self.stop()
            self._starter.end()
            self._forget_engine()
        else:
            self._starter.end()  # nothing but the record of it

    def memory_bytes(self) -> int | None:
        """Memory of the session's processes."""
        return processes.memory_bytes(process.pid for process in self._starter.processes())

    def cpu_seconds(self) -> float | None:
        """Processor time of the session's processes."""
        return processes.cpu_seconds(process.pid for process in self._starter.processes())

    def _forget_engine(self) -> None:
        for name in ("engine.pid", "engine.started"):
            with contextlib.suppress(OSError):
                self._state(name).unlink(missing_ok=True)

    def _state(self, name: str) -> Path:
        return self._folder / "state" / name

    def _has(self, name: str) -> bool:
        return (self._folder / name).is_file()
