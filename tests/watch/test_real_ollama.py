"""A real Ollama watched while its load grows from 1 to 16: what is seen is what the clients themselves measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.client import Client
from tests.engines.own_ollama import own_ollama

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]

NAME, SLOTS, LEVELS, HELD_S = "smollm2:135m", 16, (1, 4, 16), 14.0
LAST_S = 66.0  # the last level: a cause is what holds in most looks of a minute
SLACK = 2.0  # tokens/s: of a machine that has other work the rates are a few tokens a second
MODELFILE = "FROM {gguf}\nPARAMETER num_ctx 512\n"


class Load:
    """Clients that ask one answer after the other; each counts what it got, and when."""

    def __init__(self, port: int) -> None:
        self.over = threading.Event()
        self.port, self.threads = port, list[threading.Thread]()
        self.tokens: list[float] = []  # when each came

    def grow(self, level: int) -> None:
        """So many at once from now on."""
        while len(self.threads) < level:
            self.threads.append(threading.Thread(target=self._go_on))
            self.threads[-1].start()

    def _go_on(self) -> None:
        client = Client(None, NAME, port=self.port)
        while not self.over.is_set():
            answer = client.chat("Tell a long story about the sea.", tokens=64, stream=True)
            self.tokens += answer.arrived

    def end(self) -> None:
        """No further question."""
        self.over.set()
        for each in self.threads:
            each.join()


def test_a_load_that_grows_is_seen_as_it_is(
    engines: Mapping[str, str], interrupted_by_sigterm: None, tmp_path: Path
) -> None:
    """Levels in flight are seen exactly, the rate at each within a factor of 1.5, and the crossover is spoken of."""
    with own_ollama(
        engines, tmp_path, {NAME: MODELFILE.format(gguf=engines["ADVISOR_MODEL_GGUF"])}, slots=SLOTS
    ) as server:
        port = int(server.base.rpartition(":")[2])
        Client(None, NAME, port=port).chat(tokens=4)  # loads it
        load, spans = Load(port), dict[int, tuple[float, float]]()
        env = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "COLUMNS": "100"}
        words = [sys.executable, "-m", "advisor.cli", "watch", server.base, "--every", "0.5s", "--lines", "--input-tokens", "32",
                 "--output-tokens", "64", "--for", f"{HELD_S * (len(LEVELS) - 1) + LAST_S:.0f}s"]  # fmt: skip
        watch = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
        try:
            assert watch.stdout is not None
            lines = [watch.stdout.readline()]  # it looks from here on
            for level in LEVELS:
                load.grow(level)
                began = time.monotonic()
                time.sleep(HELD_S)
                spans[level] = (began, time.monotonic())
            lines += watch.stdout.readlines()
            spans[level] = (
                began,
                time.monotonic(),
            )  # the last one is watched to the end, whatever else the machine does
            assert watch.wait(timeout=60) in (0, 1)
        finally:
            watch.kill()
            load.end()
    told: list[dict[str, Any]] = [json.loads(line) for line in lines]
    print("\n".join(lines[:-1:8]), lines[-1])
    steps, whole = told[:-1], told[-1]
    assert {each["in_flight"] for each in steps} >= set(LEVELS) and whole["most_in_flight"] == SLOTS
    seen = {int(level): rate for level, rate in whole["crossover"]["seen"].items()}
    assert whole["crossover"]["basis"] == "seen" and set(seen) >= set(LEVELS), whole["crossover"]
    for level, (first, last) in spans.items():
        measured = sum(first <= at <= last for at in load.tokens) / (last - first)
        print(f"{level} in flight: clients got {measured:.1f}, watch saw {seen[level]:.1f} tokens/s")
        assert measured / 1.5 - SLACK <= seen[level] <= measured * 1.5 + SLACK
    assert "slots-busy" in {each["id"] for each in whole["causes"]}
