"""A real Ollama of a test's own: on a free port, with a store of its own, and models made from the GGUF files here."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from advisor.engines.asking import Server
from advisor.errors import EnvironmentFailed
from advisor.watch.server import find_server
from tests.test_render_scripts import free


@contextmanager
def own_ollama(engines: Mapping[str, str], folder: Path, models: Mapping[str, str], slots: int = 1) -> Iterator[Server]:
    """The server with its models (name → Modelfile), ended with everything that it started."""
    port = free()
    env = {**os.environ, **engines, "OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_MODELS": str(folder / "store"),
           "OLLAMA_NUM_PARALLEL": str(slots), "HOME": str(folder)}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ollama.log").open("w") as log:
        process = subprocess.Popen(
            [engines["ADVISOR_OLLAMA"], "serve"], env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        server = answering(port)
        for number, (name, modelfile) in enumerate(models.items()):
            path = folder / f"Modelfile-{number}"
            path.write_text(modelfile)
            subprocess.run(
                [engines["ADVISOR_OLLAMA"], "create", name, "-f", str(path)], env=env, check=True, capture_output=True
            )
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def answering(port: int, patience_s: float = 60) -> Server:
    """The server once it answers."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return find_server(f"http://127.0.0.1:{port}")
        except EnvironmentFailed:
            assert time.monotonic() < end, "no server answers"
            time.sleep(0.3)
