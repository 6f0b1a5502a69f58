"""A server that runs already: run.sh gives it the model and loads it; nothing of it is stopped."""

from __future__ import annotations

import contextlib
import os

from advisor.edge.children import run
from advisor.smoke.runners.native import NativeRunner
from advisor.smoke.runners.processes import listener


class RunningRunner(NativeRunner):
    """`run.sh` of a folder whose plan uses the server that is here."""

    name = "running"
    begins = "run.sh gives the running server its model"

    def problems(self) -> list[str]:
        """Besides what run.sh itself needs: a server that answers."""
        port = self._plan.launch.port
        absent = [] if listener(port) else [f"nothing answers on port {port}: start the server that the plan uses"]
        return super().problems() + absent

    def alive(self) -> bool:
        """The server answers."""
        return listener(self._plan.launch.port)

    def log(self) -> str:
        """What run.sh said: the server's log is its owner's."""
        return self._starter.said()

    def stop(self) -> None:
        """Unload the model, so that its memory is free again; the server goes on."""
        self._starter.interrupt(10.0)
        program, launch = self._plan.launch.program[0], self._plan.launch
        with contextlib.suppress(OSError):
            run([program, "stop", launch.served_name], env={**os.environ, **launch.env}, limit_s=30)

    def end(self) -> None:
        """What run.sh itself still does ends."""
        self._starter.end()

    def memory_bytes(self) -> int | None:
        """Not known: the server's processes are not this program's."""
        return None

    def cpu_seconds(self) -> float | None:
        """Not known either."""
        return None
