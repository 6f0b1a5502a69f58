"""A deployment folder through Compose, under a project name of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

from advisor.schema import Plan
from advisor.smoke import processes
from advisor.smoke.runner import SPARE_S, State, read_text


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
        patience = self._plan.launch.startup_s + int(SPARE_S)
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
        return "\n".join(filter(None, (shown.stdout, read_text(self._out))))

    def stop(self) -> None:
        """`stop`, with the grace period that stands in compose.yaml."""
        self._end_starter()
        self._compose("stop", timeout=self._plan.launch.drain_s + 2 * SPARE_S)

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
        self._compose("down", "--remove-orphans", "--timeout", "20", timeout=4 * SPARE_S)
        self._starter = None

    def memory_bytes(self) -> int | None:
        """Not asked: `docker stats` counts the page cache in."""
        return None

    def cpu_seconds(self) -> float | None:
        """Not asked: containers are not children of this process."""
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
