"""The real Compose stack on this machine: a CPU engine, the gateway and Prometheus, from the emitted files.

Images: tests/engines/docker.sh makes the engines', tests/deploy/images.sh those of Caddy and Prometheus; they bear the
pinned names. Grafana cannot be had without a registry: its files are judged in test_monitoring.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from advisor.deploy import gateway, monitoring
from advisor.schema import Plan
from tests.deploy.client import Client

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]

KEY = "0123456789abcdef-stack"
ENGINES = ("ollama", pytest.param("vllm", marks=pytest.mark.nightly))


@dataclass
class Stack:
    """A folder that Compose has started."""

    plan: Plan
    folder: Path
    docker: Any
    client: Client

    def compose(self, *words: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """`docker-compose` with the profile that brings up all."""
        return subprocess.run(
            ["docker-compose", "-p", "advisor-stack", "--profile", "monitoring", *words], cwd=self.folder,
            capture_output=True, text=True, check=False, timeout=timeout, env=self.docker.env,
        )  # fmt: skip

    @property
    def services(self) -> list[str]:
        """What has an image here: all but Grafana."""
        return ["engine", *(["model"] if self.plan.engine == "ollama" else []), "gateway", "prometheus"]

    def prometheus(self, query: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        url = f"http://127.0.0.1:{monitoring.PROMETHEUS_PORT}/api/v1/query?query={urllib.parse.quote(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found


RULES = "advisor:ttft_seconds:p95_5m", "advisor:front_refused:ratio5m", "advisor:engine_reachable"


@pytest.fixture(params=ENGINES)
def stack(request: pytest.FixtureRequest, make: Any, docker: Any) -> Iterator[Stack]:
    """The stack of an engine, up and healthy, from a folder that a careful umask wrote; gone afterwards."""
    before = os.umask(0o077)
    request.addfinalizer(lambda: os.umask(before))
    plan, folder = make(
        request.param, 4, exposed=True, parts="gateway,monitoring", context_tokens=1024, output_tokens=128
    )
    docker.stand_in(plan, folder)
    override = folder / "compose.override.yaml"
    override.write_text(
        override.read_text() + "".join(f"  {name}:\n    pull_policy: never\n" for name in ("gateway", "prometheus"))
    )
    for image, local in (
        (gateway.facts(plan).image, "caddy"),
        (monitoring.facts(plan).prometheus_image, "prometheus"),
    ):
        docker("tag", f"advisor-tests/{local}:1", image)
    secrets = folder / ".env"
    secrets.write_text(f"ADVISOR_API_KEY={KEY}\nADVISOR_BIND=127.0.0.1\n")
    secrets.chmod(0o600)
    (folder / "grafana.env").write_text("GRAFANA_PASSWORD=none-here\n")
    made = Stack(plan, folder, docker, Client(KEY, plan.launch.served_name))
    try:
        up = made.compose("up", "--detach", "--wait", "--wait-timeout", "900", *made.services)
        if up.returncode:
            logs = made.compose("logs", "--tail", "40").stdout
            pytest.fail(f"{up.stderr[-1500:]}\n{logs[-4000:]}")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "20")


def test_the_stack_serves_and_stops(stack: Stack) -> None:
    """One stack, step by step: who comes in, what is watched, what shows the key, and a stop under load."""
    who_comes_in(stack)
    what_is_watched(stack)
    what_shows_the_key(stack)
    how_it_is_confined(stack)
    a_stop_under_load(stack)


def who_comes_in(stack: Stack) -> None:
    """With the key answers and streams; without it 401, elsewhere 404, too large 413, too many 503."""
    client, facts = stack.client, gateway.facts(stack.plan)
    models = client.ask("GET", "/v1/models")
    assert models.status == 200 and client.model in models.text
    plain = client.chat()
    assert plain.status == 200 and json.loads(plain.text)["choices"][0]["message"]["content"]
    streamed = client.chat(tokens=48, stream=True)
    assert streamed.whole and len(streamed.arrived) > 20
    assert streamed.arrived[-1] - streamed.arrived[0] > 0.1, "all tokens came at once"
    for key in (None, "", "wrong"):
        assert Client(key, client.model).chat().status == 401
    for path in ("/metrics", "/invocations", "/api/tags", "/api/pull", "//v1/models", "/v1/../metrics", "/docs"):
        assert client.ask("GET", path).status == 404 and client.ask("POST", path, {}).status == 404
    assert client.ask("POST", "/v1/chat/completions", b" " * (facts.body_bytes + 1)).status == 413
    with ThreadPoolExecutor(80) as pool:
        answers = [request.result() for request in client.many(2 * facts.most_in_flight + 8, 24, pool)]
    codes = Counter(answer.status for answer in answers)
    assert set(codes) == {200, 503} and codes[200] >= facts.most_in_flight - 2, codes
    assert all(answer.whole for answer in answers if answer.status == 200)
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status == 503)


def what_is_watched(stack: Stack) -> None:
    """Prometheus reaches everything it scrapes, and its rules have answers after the load."""
    end = time.monotonic() + 300
    beside = {exporter.job for exporter in monitoring.facts(stack.plan).exporters}  # their images need a registry
    jobs = {job.name for job in monitoring.facts(stack.plan).jobs} - beside
    while time.monotonic() < end:
        up = {
            row["metric"]["job"]: row["value"][1]
            for row in stack.prometheus("up")
            if row["metric"]["job"] not in beside
        }
        silent = [name for name in RULES if not stack.prometheus(name)]
        if up == dict.fromkeys(jobs, "1") and not silent:
            break
        time.sleep(3)
    assert up == dict.fromkeys(jobs, "1") and not silent, silent


def what_shows_the_key(stack: Stack) -> None:
    """Neither `docker inspect`, nor a command line, nor a log."""
    names = stack.docker("ps", "--all", "--format", "{{.Names}}").split()
    assert len(names) == len(stack.services)
    assert KEY not in stack.docker("inspect", *names)
    assert KEY not in stack.compose("logs").stdout
    assert all(KEY not in stack.docker("top", name) for name in names)
    assert KEY not in stack.docker("exec", *names_of(stack, "engine"), "cat", "/proc/1/environ")


def names_of(stack: Stack, service: str) -> list[str]:
    """The container of a service."""
    return stack.compose("ps", "--format", "{{.Name}}", service).stdout.split()


def how_it_is_confined(stack: Stack) -> None:
    """Roots are read-only, capabilities dropped, memory and processes bounded, and the engine's port stays here."""
    for service in stack.services:
        found = json.loads(stack.docker("inspect", *names_of(stack, service)))[0]
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"] is True and "ALL" in host["CapDrop"], service
        assert host["Memory"] > 0 and host["PidsLimit"] > 0 and "no-new-privileges:true" in host["SecurityOpt"]
        published = [
            entry["HostIp"] for entries in found["NetworkSettings"]["Ports"].values() for entry in entries or []
        ]
        assert set(published) <= {"127.0.0.1"}


def a_stop_under_load(stack: Stack) -> None:
    """`docker-compose stop` takes nothing new, and every stream that was in flight through the gateway arrives whole."""
    with ThreadPoolExecutor(6) as pool:
        before = len(stack.client.heard)
        running = stack.client.many(6, 80, pool)
        while len(stack.client.heard) == before and not any(request.done() for request in running):
            time.sleep(0.01)  # a fast machine has told all of it within a second or two
        assert not all(request.done() for request in running), "the load was over before the stop"
        begun = time.monotonic()
        stopped = stack.compose("stop")
        took = time.monotonic() - begun
        answers = [request.result() for request in running]
    assert stopped.returncode == 0, stopped.stderr
    assert all(answer.whole for answer in answers), [(answer.status, answer.text[-200:]) for answer in answers]
    facts = gateway.facts(stack.plan)
    assert took < facts.grace_s + stack.plan.launch.drain_s + 30
    for name in stack.docker("ps", "--all", "--format", "{{.Names}}").split():
        state = json.loads(stack.docker("inspect", name))[0]["State"]
        assert state["OOMKilled"] is False
        if "gateway" in name or "prometheus" in name:
            assert state["ExitCode"] == 0, name
