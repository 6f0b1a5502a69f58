"""A deployment folder through Compose, as its README says: `docker compose up --wait`, `docker compose down`."""

from __future__ import annotations

import contextlib
import functools
import shutil
from pathlib import Path
from typing import Any

from advisor.edge.children import Ended, run
from advisor.edge.reading import said_json
from advisor.schema import Plan
from advisor.smoke.runners import processes
from advisor.smoke.runners.base import SPARE_S, State, read_text
from advisor.smoke.runners.starter import Starter

OVERRIDES = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
)
_FILES = ("compose.yaml", *OVERRIDES)
NO_RESTART = "no-restart.yaml"  # beside the reports; containers bear its name
_NOT_FETCHED = ("never", "build")


class ComposeRunner:
    """Containers and network are made and removed; volumes (downloaded weights) are those of the deployment and stay.

    An override file beside compose.yaml counts, as Compose itself reads it. Containers are not restarted: a second
    start would hide the first one's end.
    """

    name = "compose"
    begins = "docker compose up began"
    poll_s = 2.0

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder.resolve()
        self._ours = self._folder / "smoke"
        self._starter = Starter(self._folder, self._ours / "compose.log")
        self._services: dict[str, Any] = {}
        self._removed = False

    def problems(self) -> list[str]:
        """The file, Compose itself, a container engine that answers, and a deployment that is there already."""
        if not (self._folder / _FILES[0]).is_file():
            return [f"{_FILES[0]} is not in {self._folder}"]
        if self._program is None:
            return ["neither `docker compose` nor docker-compose is installed"]
        config = self._compose("config", "--format", "json", timeout=60)
        if config.code:
            return [f"Compose refuses the file: {last_line(config.err)}"]
        asked = self._compose("ps", "--all", "--quiet", timeout=60)
        if asked.code:
            return [f"Compose does not answer: {last_line(asked.err)}"]
        if asked.out.split():
            return ["containers of this deployment are there already: `docker compose down` removes them"]
        told = said_json(config.out)
        found = told.get("services") if isinstance(told, dict) else None
        self._services = found if isinstance(found, dict) else {}
        return []

    def recover(self) -> bool:
        """The Compose of a run that was killed, and containers that were made with a smoke test's own file."""
        left = self._starter.recover()
        made = self._compose("ps", "--all", "--format", "json", timeout=60).out if self._program else ""
        if str(self._ours / NO_RESTART) in made:
            self._compose("down", "--timeout", "20", timeout=4 * SPARE_S)
            left = True
        return left

    def start(self) -> None:
        """Fetch the images that are missing, then `up --wait`."""
        self._write_no_restart()
        patience = self._plan.launch.startup_s + int(SPARE_S)
        up = self._words("up", "--detach", "--wait", "--wait-timeout", str(patience))
        fetched = [name for name, said in self._services.items() if said.get("pull_policy") not in _NOT_FETCHED]
        pull = self._words("pull", "--policy", "missing", "--quiet", *fetched)
        self._starter.begin(*([pull] if fetched else []), up)

    def state(self) -> State:
        """`up --wait` ends when every service is healthy, or one has failed."""
        return self._starter.state()

    def alive(self) -> bool:
        """The container of the engine runs."""
        return bool(self._ids("--status", "running", "engine"))

    def log(self) -> str:
        """The containers' logs, then what Compose said."""
        shown = self._compose("logs", "--no-color", "--no-log-prefix", timeout=60)
        kept = shown.out or read_text(self._ours / "engine.log")
        return "\n".join(filter(None, (kept, self._starter.said())))

    def stop(self) -> None:
        """`down` with the grace period that stands in compose.yaml; the log is kept in smoke/engine.log."""
        self._down(timeout=self._plan.launch.drain_s + 2 * SPARE_S)

    def leftovers(self) -> list[str]:
        """Containers of the deployment, running or not."""
        return [f"container {number[:12]}" for number in self._ids("--all")] if self._starter.begun else []

    def end(self) -> None:
        """Remove what is left of containers and network."""
        if self._starter.begun and not self._removed:
            self._down("--timeout", "20", timeout=4 * SPARE_S)
        self._starter.end(2.0)

    def memory_bytes(self) -> int | None:
        """Memory of the containers' processes, where they run on this machine and may be looked at."""
        return processes.memory_bytes(processes.of_containers(self._ids()))

    def cpu_seconds(self) -> float | None:
        """Processor time of the containers' processes, where they run on this machine."""
        return processes.cpu_seconds(processes.of_containers(self._ids()))

    def _down(self, *words: str, timeout: float) -> None:
        self._starter.interrupt(20.0)
        self._starter.end(2.0)
        shown = self._compose("logs", "--no-color", "--no-log-prefix", timeout=60).out
        if shown:
            with contextlib.suppress(OSError):  # a full disk must not keep containers running
                (self._ours / "engine.log").write_text(shown, encoding="utf-8")
        self._removed = self._compose("down", *words, timeout=timeout).code == 0

    def _write_no_restart(self) -> None:
        self._ours.mkdir(exist_ok=True)
        (self._ours / "engine.log").unlink(missing_ok=True)
        lines = ["# Written by `advisor smoke`: a container that ends stays ended.", "services:"]
        lines += [f'  {name}: {{restart: "no"}}' for name in self._services]
        (self._ours / NO_RESTART).write_text("\n".join(lines) + "\n", encoding="utf-8")

    @functools.cached_property
    def _program(self) -> list[str] | None:
        return compose_program()

    def _ids(self, *words: str) -> list[str]:
        return self._compose("ps", "--quiet", *words, timeout=60).out.split()

    def _words(self, *words: str) -> list[str]:
        files = [self._folder / name for name in _FILES]
        if self._services:  # known: the file is from this run
            files.append(self._ours / NO_RESTART)
        chosen = [word for file in files if file.is_file() for word in ("--file", str(file))]
        return [*(self._program or ["docker", "compose"]), *chosen, *words]

    def _compose(self, *words: str, timeout: float) -> Ended:
        try:
            done = run(self._words(*words), cwd=self._folder, limit_s=timeout)
        except OSError as error:
            return Ended(1, "", str(error))
        return done if done.code is not None else Ended(1, "", f"no answer within {timeout:.0f} s")


def compose_program() -> list[str] | None:
    """Compose as a plugin of docker, or by itself; None: not installed."""
    if shutil.which("docker") and run(["docker", "compose", "version"], limit_s=20).code == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def last_line(text: str) -> str:
    """What a program said at the end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
