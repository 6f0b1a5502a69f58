"""The real engines, where they are installed. Elsewhere such tests skip with the reason; in CI they fail."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from advisor.folder.write import write_tree
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan
from tests.required import absent, sourced

FOLDER = Path(os.environ.get("ADVISOR_ENGINES") or "~/.cache/advisor-engines").expanduser()
TOOLS = Path(os.environ.get("ADVISOR_TOOLS") or "~/.cache/advisor-tools").expanduser()
MODELS = {"vllm": "ADVISOR_MODEL_SAFETENSORS", "ollama": "ADVISOR_MODEL_GGUF"}
Make = Callable[..., tuple[Plan, Path]]


@pytest.fixture(scope="session")
def engines() -> dict[str, str]:
    """The environment in which both engines are found, as env.sh says."""
    script = FOLDER / "env.sh"
    if not script.is_file():
        absent(f"the real engines are not in {FOLDER}: tests/engines/install.sh installs them (15 minutes, 8 GB)")
    return sourced(script)


@pytest.fixture
def interrupted_by_sigterm() -> Iterator[None]:
    """SIGTERM ends a test the way Ctrl-C does, so that its engine is stopped."""
    kept = signal.getsignal(signal.SIGTERM)
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, kept)


@pytest.fixture
def make(
    engines: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted_by_sigterm: None
) -> Make:
    """Plan and folder for an engine and a number of requests in flight, as `advisor recommend` makes them here."""
    for name, text in engines.items():
        if name.startswith(("PATH", "HF_", "VLLM_", "OLLAMA_", "ADVISOR_")):
            monkeypatch.setenv(name, text)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))

    def made(engine: str, in_flight: int, **asked: object) -> tuple[Plan, Path]:
        asked = {
            "model": engines[MODELS[engine]],
            "engine": engine,
            "concurrency": in_flight,
            "input_tokens": 64,
            "output_tokens": 32,
            "context_tokens": 256,
            "offline": True,
            "run": "all",  # the test picks the runner
            **asked,
        }
        plan = recommend(profile=None, overrides=asked).plan
        assert plan is not None
        folder = tmp_path / f"{engine}-{in_flight}"
        write_tree(folder, files_of(plan), overwrite=True)
        return plan, folder

    return made


class Docker:
    """The daemon that tests/engines/docker.sh started, and its images under the names of a plan."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def __call__(self, *words: str) -> str:
        """What `docker` answers."""
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stand_in(self, plan: Plan, folder: Path, **engine: str) -> None:
        """The local image under the pinned name, and beside compose.yaml what a user with an image of his own writes."""
        self("tag", self.env[f"ADVISOR_IMAGE_{plan.engine.upper()}"], plan.launch.image)
        lines = ["services:", "  engine:", "    pull_policy: never"]
        lines += [f"    {key}: {text}" for key, text in engine.items()]
        if plan.engine == "vllm":
            lines.append("    volumes:")
            for path in virtual_environment(FOLDER / "vllm"):
                lines += ["      - type: bind", f"        source: {path}", f"        target: {path}"]
                lines.append("        read_only: true")
        else:
            lines += ["  model:", "    pull_policy: never"]
        (folder / "compose.override.yaml").write_text("\n".join(lines) + "\n")

    def left(self) -> list[str]:
        """Containers in any state, and networks that somebody made."""
        networks = set(self("network", "ls", "--format", "{{.Name}}").split()) - {"none", "host", "bridge"}
        return [*self("ps", "--all", "--format", "{{.Names}}").split(), *sorted(networks)]


def virtual_environment(venv: Path) -> list[Path]:
    """What a container mounts to run programs of a virtual environment: itself and, outside /usr, its Python."""
    lines = (venv / "pyvenv.cfg").read_text().splitlines()
    home = next(line.partition("=")[2].strip() for line in lines if line.startswith("home"))
    prefix = Path(home).resolve().parent
    return [venv.resolve()] if prefix == Path("/usr") else [venv.resolve(), prefix]


@pytest.fixture(scope="session")
def daemon(engines: dict[str, str]) -> Iterator[Docker]:
    """Docker as the engine tests use it; volumes that the tests made are removed at the end."""
    script = FOLDER / "docker.env"
    if not script.is_file():
        absent(f"{script} is absent: tests/engines/docker.sh starts a Docker daemon and makes images (as root)")
    docker = Docker({**engines, **sourced(script), "PATH": f"{TOOLS}:{engines['PATH']}"})
    try:
        before = set(docker("volume", "ls", "--quiet").split())
    except AssertionError as error:
        absent(f"the Docker daemon of the engine tests does not answer: tests/engines/docker.sh starts it ({error})")
    yield docker
    for name in set(docker("volume", "ls", "--quiet").split()) - before:
        docker("volume", "rm", name)


@pytest.fixture
def docker(daemon: Docker, make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Docker]:
    """The daemon, for one test that may leave no container and no network."""
    monkeypatch.setenv("DOCKER_HOST", daemon.env["DOCKER_HOST"])
    monkeypatch.setenv("PATH", daemon.env["PATH"])
    assert not daemon.left(), "something is there before the test begins"
    yield daemon
    left = daemon.left()
    for name in left:
        with contextlib.suppress(AssertionError):
            daemon("rm", "--force", name)
    assert not left
