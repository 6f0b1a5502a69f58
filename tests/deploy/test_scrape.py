"""A real Prometheus in front of a real engine and gateway: after a load every query of rules and dashboard has an answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from advisor.deploy import monitoring
from advisor.deploy.monitoring.exporters import NODE_PORT
from advisor.schema import Plan
from tests.deploy.client import Client
from tests.deploy.front import free_port, wait_for
from tests.engines.engine_cases import tool

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]

KEY = "0123456789abcdef-scrape"
WORDS = re.compile(
    "and|or|unless|by|le|on|sum|max|avg|rate|deriv|increase|changes|absent|vector|histogram_quantile"
)  # no metrics


@contextmanager
def running(plan: Plan, folder: Path) -> Iterator[Client]:
    """What run.sh starts: engine and gateway."""
    port = free_port()
    (folder / ".env").write_text(f"ADVISOR_API_KEY={KEY}\nADVISOR_PORT={port}\n")
    (folder / ".env").chmod(0o600)
    env = {**os.environ, "PATH": f"{Path(tool('caddy')).parent}:{os.environ['PATH']}"}
    try:
        started = subprocess.run(["bash", "run.sh"], cwd=folder, capture_output=True, text=True, check=False, env=env)
        assert started.returncode == 0, started.stderr[-3000:]
        yield Client(KEY, plan.launch.served_name, port)
    finally:
        stopped = subprocess.run(["bash", "stop.sh"], cwd=folder, capture_output=True, text=True, check=False)
        assert stopped.returncode == 0, stopped.stderr
        assert not list((folder / "state").glob("*.pid"))


class Prometheus:
    """A running one, asked over HTTP."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str) -> Any:
        """The data of an answer."""
        with urllib.request.urlopen(f"{self.base}/{path}", timeout=20) as answer:  # noqa: S310
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The rows of an instant query."""
        rows: list[dict[str, Any]] = self.get(f"query?query={urllib.parse.quote(expr)}")["result"]
        return rows


@contextmanager
def exporting(tmp_path: Path) -> Iterator[None]:
    """The machine's own exporter, at the port where the emitted file looks for it."""
    log = tmp_path / "node-exporter.log"
    words = [tool("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{NODE_PORT}"]
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        wait_for(NODE_PORT, process, log)
        yield
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def watching(folder: Path, tmp_path: Path) -> Iterator[Prometheus]:
    """Prometheus with the emitted native file, asking every second instead of every quarter minute."""
    config = folder / "monitoring" / "prometheus.native.yml"
    config.write_text(config.read_text().replace('"15s"', '"1s"'))
    port, log = free_port(), tmp_path / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        wait_for(port, process, log)
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(60)


def metric_names(expr: str) -> set[str]:
    """The metrics an expression names."""
    bare = re.sub(r'"[^"]*"', "", expr)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", " ", bare)
    return {name for name in re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", bare) if not WORDS.fullmatch(name)}


@pytest.mark.parametrize("engine", ["ollama", pytest.param("vllm", marks=pytest.mark.nightly)])
def test_every_query_has_an_answer(make: Any, tmp_path: Path, engine: str) -> None:
    """No panel, record or alert refers to a series that does not exist, all targets are up, and nothing fires."""
    plan, folder = make(
        engine, 2, exposed=True, parts="gateway,monitoring", context_tokens=1024, ttft_ms=60000.0, tpot_ms=60000.0
    )
    made = monitoring.facts(plan)
    with running(plan, folder) as client, exporting(tmp_path), watching(folder, tmp_path) as prometheus:
        with ThreadPoolExecutor(3) as pool:
            for _ in range(3):
                answers = [request.result() for request in client.many(3, 24, pool)]
                assert all(answer.whole for answer in answers), answers[0].text[-500:]
                time.sleep(3)
        assert Client(None, client.model, client.port).chat().status == 401
        end = time.monotonic() + 60
        missing = ["?"]
        while missing and time.monotonic() < end:
            time.sleep(2)
            exprs = [record.expr for record in made.records] + [record.name for record in made.records]
            exprs += [query.expr for panel in made.panels for query in panel.queries]
            missing = [expr for expr in exprs if not prometheus.query(expr)]
        assert not missing
        for alert in made.alerts:
            for name in metric_names(alert.expr):
                assert prometheus.query(f"count({name})"), (alert.name, name)
        targets = prometheus.get("targets")["activeTargets"]
        assert {(target["labels"]["job"], target["health"]) for target in targets} == {
            (j.name, "up") for j in made.jobs
        }
        for group in prometheus.get("rules")["groups"]:
            for rule in group["rules"]:
                assert rule["health"] == "ok", rule
                assert rule.get("state") != "firing", rule
