"""How a deployment folder is started and stopped: as processes of this machine, or through Compose."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Literal, Protocol

from advisor.errors import BadInput
from advisor.schema import Plan
from advisor.smoke import processes

State = Literal["starting", "ready", "failed"]
_SPARE_S = 60.0  # beyond what the deployment's own stop may take


class Runner(Protocol):
    """One way to run a deployment folder. `end` may be called at any moment, and more than once."""

    name: str

    def problems(self) -> list[str]:
        """What stands in the way of a start here."""
        ...

    def start(self) -> None:
        """Begin to start; returns at once."""
        ...

    def state(self) -> State:
        """How far the start has come."""
        ...

    def log(self) -> str:
        """What engine and starter have printed so far."""
        ...

    def stop(self) -> None:
        """Stop as the deployment's own instructions say, and wait for it."""
        ...

    def leftovers(self) -> list[str]:
        """What still runs of what was started."""
        ...

    def end(self) -> None:
        """Make sure that nothing is left."""
        ...

    def memory_bytes(self) -> int | None:
        """What all of it holds of the host's memory now."""
        ...


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
        return "\n".join(filter(None, (_read(self._folder / "state" / "engine.log"), _read(self._out))))

    def stop(self) -> None:
        """Run stop.sh; what outlives it is for `leftovers` to show."""
        if self._starter is not None and self._starter.poll() is None:
            self._starter.send_signal(signal.SIGTERM)  # still starting: run.sh stops what it began
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._starter.wait(timeout=_SPARE_S)
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ["bash", "stop.sh"],
                cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                timeout=self._plan.launch.drain_s + _SPARE_S, start_new_session=True,
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

    def _has(self, name: str) -> bool:
        return (self._folder / name).is_file()


class ComposeRunner:
    """`docker compose up --wait` in the folder under a project name of its own; volumes are kept."""

    name = "compose"

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder.resolve()
        self._out = self._folder / "smoke" / "compose.log"
        self._project = f"advisor-smoke-{plan.name}"[:60]
        self._starter: subprocess.Popen[bytes] | None = None

    def problems(self) -> list[str]:
        """The file, Compose itself, and a container engine that answers."""
        if not (self._folder / "compose.yaml").is_file():
            return [f"compose.yaml is not in {self._folder}"]
        if compose_program() is None:
            return ["neither `docker compose` nor docker-compose is installed"]
        asked = self._compose("ps", "-q", timeout=60)
        return [] if asked.returncode == 0 else [f"Compose does not answer: {last_line(asked.stderr)}"]

    def start(self) -> None:
        """Begin `up --wait`."""
        self._out.parent.mkdir(parents=True, exist_ok=True)
        patience = self._plan.launch.startup_s + int(_SPARE_S)
        with self._out.open("wb") as out:
            self._starter = subprocess.Popen(
                self._words("up", "-d", "--wait", "--wait-timeout", str(patience)),
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def state(self) -> State:
        """`up --wait` ends when every service is healthy, or one has failed."""
        code = self._starter.poll() if self._starter else 1
        if code is None:
            return "starting"
        return "ready" if code == 0 else "failed"

    def log(self) -> str:
        """The containers' logs, then what Compose said."""
        shown = self._compose("logs", "--no-color", "--no-log-prefix", timeout=60)
        return "\n".join(filter(None, (shown.stdout, _read(self._out))))

    def stop(self) -> None:
        """`stop`, with the grace period that stands in compose.yaml."""
        self._end_starter()
        self._compose("stop", timeout=self._plan.launch.drain_s + 2 * _SPARE_S)

    def leftovers(self) -> list[str]:
        """Containers of the project that run."""
        if self._starter is None:
            return []
        shown = self._compose("ps", "--status", "running", "--format", "{{.Name}}", timeout=60)
        return [f"container {name}" for name in shown.stdout.split()]

    def end(self) -> None:
        """Remove containers and network; named volumes (weights) stay."""
        if self._starter is None:
            return
        self._end_starter()
        self._compose("down", "--remove-orphans", "--timeout", "20", timeout=4 * _SPARE_S)
        self._starter = None

    def memory_bytes(self) -> int | None:
        """Not asked: `docker stats` counts the page cache in."""
        return None

    def _end_starter(self) -> None:
        if self._starter is not None and self._starter.poll() is None:
            self._starter.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._starter.wait(timeout=20)
            processes.end_session(self._starter.pid, patience_s=2.0)

    def _words(self, *words: str) -> list[str]:
        return [*(compose_program() or ["docker", "compose"]), "-p", self._project, *words]

    def _compose(self, *words: str, timeout: float) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                self._words(*words), cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                check=False, timeout=timeout,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(words, 1, "", str(error))


RUNNERS: dict[str, type[NativeRunner] | type[ComposeRunner]] = {"native": NativeRunner, "compose": ComposeRunner}


def runner_for(name: str, plan: Plan, folder: Path) -> Runner:
    """The runner of that name; "auto" takes processes where the engine's program is installed, else Compose.

    Raises:
        BadInput: there is no such runner.
    """
    if name == "auto":
        name = "native" if shutil.which(plan.launch.program[0]) else "compose"
    if name not in RUNNERS:
        raise BadInput(f"--runner {name}: there are auto, {', '.join(RUNNERS)}")
    return RUNNERS[name](plan, folder)


def compose_program() -> list[str] | None:
    """Compose as a plugin of docker, or by itself; None: not installed."""
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def last_line(text: str) -> str:
    """What a program said at the end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
