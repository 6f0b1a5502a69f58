"""Two real engines behind a real Caddy with the file of several replicas, one of them killed under load."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deploy.front import free_port, gateway, planned, written
from tests.deploy.test_replicas import KEY, Clients

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]


@contextmanager
def serving(env: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A real Ollama on that port until the block ends."""
    own = {**env, "OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_NUM_PARALLEL": "4"}
    process = subprocess.Popen(
        [env["ADVISOR_OLLAMA"], "serve"], env=own, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(300):
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/version", timeout=5),
            ):
                break
            time.sleep(0.1)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ollama(env: dict[str, str], port: int, *words: str) -> None:
    """A command of its client."""
    subprocess.run(
        [env["ADVISOR_OLLAMA"], *words], env={**env, "OLLAMA_HOST": f"127.0.0.1:{port}"}, check=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
    )  # fmt: skip


def answered(clients: Clients, number: int, patience_s: float = 300) -> None:
    """Wait until so many requests have come to an end."""
    end = time.monotonic() + patience_s
    while len(clients.outcomes) < number and time.monotonic() < end:
        time.sleep(0.1)


def test_a_real_engine_killed_under_load(engines: dict[str, str], tmp_path: Path) -> None:
    """What the killed engine had not begun to answer comes whole from the other one."""
    plan = planned("ollama")
    candidate = replace(plan.estimate.candidate, replicas=2)
    two = replace(plan, estimate=replace(plan.estimate, candidate=candidate), parts=("native", "gateway", "replicas"))
    caddyfile = written(two, tmp_path / "deploy") / "gateway" / "Caddyfile"
    ports, env = (
        (free_port(), free_port()),
        {**engines, "OLLAMA_MODELS": str(tmp_path / "store"), "HOME": str(tmp_path)},
    )
    # One thread each: their threads wait for each other by spinning, and two engines share what may be two cores.
    (tmp_path / "Modelfile").write_text(
        f"FROM {engines['ADVISOR_MODEL_GGUF']}\nPARAMETER num_predict 8\nPARAMETER num_thread 1\n"
    )
    upstream = " ".join(f"127.0.0.1:{port}" for port in ports)
    with (
        serving(env, ports[0]) as first,
        serving(env, ports[1]),
        gateway(caddyfile, ports[0], tmp_path, ADVISOR_UPSTREAM=upstream, ADVISOR_API_KEY=KEY) as front,
    ):
        ollama(env, ports[0], "create", "small", "-f", str(tmp_path / "Modelfile"))
        for port in ports:
            ollama(env, port, "run", "small", "hello")
        clients = Clients(port=front.port, model="small", patience_s=300)
        with clients.load(clients=4, tokens=24):
            answered(clients, 4)
            before = len(clients.outcomes)
            os.killpg(first.pid, signal.SIGKILL)
            answered(clients, before + 8)
    counted = Counter(clients.outcomes)
    assert counted["lost"] == 0 and counted["whole"] > before > 0, (counted, clients.said[-5:])
    assert counted["cut"] <= 2, "only streams that had begun at the killed engine"
