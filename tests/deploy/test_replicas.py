"""Replicas as servers of their own, really run: engines behind a real Caddy, one killed under load, one after the other anew."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
import yaml

from advisor.checklist.table import SERVER_ROWS, table
from advisor.deploy import gateway, parts_of, replicas
from advisor.pipeline import files_of, recommend
from advisor.plan import with_way
from advisor.render import render
from advisor.schema import Plan
from tests.deploy.client import again_and_again
from tests.deploy.test_update import program
from tests.engines.engine_cases import tool
from tests.test_render_scripts import Deployment, alive, on_port

KEY = "0123456789abcdef-key"
Outcome = Literal["whole", "cut", "lost"]


@cache
def planned(gpu: str = "2x RTX 4090", **asked: object) -> Plan:
    """A plan for so many people that every card holds a replica."""
    known = {"model": "Qwen/Qwen2.5-7B-Instruct", "engine": "vllm", "users": 2000, "offline": True, "exposed": True}
    made = recommend(profile=None, overrides=known | {"run": "native"} | asked, gpu=gpu).plan
    assert made is not None
    return made


def texts(plan: Plan) -> dict[str, str]:
    """Path → text of the rendered folder."""
    return {file.path: file.text for file in render(plan)}


def test_who_has_them() -> None:
    """People behind a gateway on one machine; not a batch, not one replica, and not where one service holds them all."""
    assert "replicas" in planned().parts and "gateway" in planned().parts
    assert planned().estimate.candidate.replicas == 2
    for other in (planned("RTX 4090"), planned(run="systemd"), planned(run="podman"), planned(task="batch")):
        assert "replicas" not in other.parts
    assert "systemd" in replicas.possible(planned(run="systemd"))
    assert "one replica" in replicas.possible(planned("RTX 4090"))


@pytest.mark.parametrize(
    ("way", "stay"), [("kubernetes", True), ("compose", True), ("systemd", False), ("podman", False)]
)
def test_a_further_way_keeps_one_story(way: str, stay: bool) -> None:
    """Where a way is added that has one service for all replicas, the whole folder has one."""
    more = with_way(planned(), way)
    assert ("replicas" in more.parts) is stay
    assert ("--data-parallel-size" in texts(more)["run.sh"]) is not stay


@pytest.mark.parametrize(
    ("gpu", "users"),
    [("2x RTX 4090", 2000), ("4x RTX 4090", 2000), ("8x H100", 2000), ("4x MI300X", 2000), ("4x L4", 1000)],
)
def test_each_has_its_cards_and_port(gpu: str, users: int) -> None:
    """Whatever the cards: all of them are used, none twice, and ports, names and volumes are each engine's own."""
    plan = planned(gpu, users=users, run="compose,native")
    candidate, servers = plan.estimate.candidate, replicas.servers(plan)
    assert len(servers) == candidate.replicas > 1
    listed = [next(iter(set(server.cards.values()) - {"PCI_BUS_ID"})).split(",") for server in servers]
    assert sorted(int(one) for each in listed for one in each) == sorted(candidate.gpu_indices)
    assert len({server.port for server in servers}) == len({server.name for server in servers}) == len(servers)
    services = yaml.safe_load(texts(plan)["compose.yaml"])["services"]
    ours = [services[server.name] for server in servers]
    assert len({tuple(each["ports"]) for each in ours}) == len(ours)
    assert len({each["volumes"][1] for each in ours}) == len(ours) and len({each["volumes"][0] for each in ours}) == 1
    if "deploy" in ours[0]:
        held = [each["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"] for each in ours]
        assert held == listed
    else:
        assert all(
            server.cards.items() <= one["environment"].items() for server, one in zip(servers, ours, strict=True)
        )
        assert len({str(each["environment"]) for each in ours}) == len(ours)
    assert set(services["gateway"]["depends_on"]) == {server.name for server in servers}
    assert "--data-parallel-size" not in texts(plan)["run.sh"] + texts(plan)["compose.yaml"]


def test_all_are_watched_and_checked() -> None:
    """Prometheus has a target for each, one that is gone is a warning, and the checklist asks each port."""
    plan = planned(run="compose,native")
    files = texts(plan)
    for file, targets in (
        ("prometheus.native.yml", ["127.0.0.1:8000", "127.0.0.1:8001"]),
        ("prometheus.yml", ["engine:8000", "engine-2:8000"]),
    ):
        jobs = yaml.safe_load(files[f"monitoring/{file}"])["scrape_configs"]
        assert next(job for job in jobs if job["job_name"] == "engine")["static_configs"][0]["targets"] == targets
    rules = {
        rule.get("alert"): rule
        for group in yaml.safe_load(files["monitoring/rules.yml"])["groups"]
        for rule in group["rules"]
    }
    assert rules["ReplicaDown"]["labels"]["severity"] == "warning" and "EngineDown" not in rules
    assert "by (instance)" in rules["NoProgress"]["expr"]
    assert rules["EngineUnreachable"]["labels"]["severity"] == "critical"
    ids = {check.id: check.command or "" for check in plan.checks}
    assert "8000 8001" in ids["after-replicas"] and "8000 8001" in ids["replica-ports"]


def test_the_folder_stays_small() -> None:
    """Eight replicas bring no file of their own to a team's sixteen, README keeps to a page, the checklist to 25 rows."""
    plan = planned("8x RTX 4090", run="compose")
    files = {file.path: file.text for file in files_of(plan)}
    found = table(plan)
    assert len(files) + 1 <= 16 and len(files["README.md"].splitlines()) <= 60
    assert len(found.before) + len(found.after) + bool(found.rest) <= SERVER_ROWS


def test_the_gateway_shares_what_one_port_took() -> None:
    """The engines together take what one process with all replicas would, and a pod of Kubernetes has no balancer."""
    plan = planned()
    facts = gateway.facts(plan)
    assert facts.most_each * facts.servers >= facts.most_in_flight > facts.most_each
    assert "least_conn" in texts(plan)["gateway/Caddyfile"]
    assert "least_conn" not in texts(with_way(plan, "kubernetes"))["kubernetes/Caddyfile"]


@dataclass(kw_only=True)
class Clients:
    """Who asks a gateway, and what became of it."""

    port: int
    model: str = "any"
    patience_s: float = 60  # without a byte
    outcomes: list[Outcome] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def ask(self, stream: bool, tokens: int, session: str = "") -> Outcome:
        """One request: whole, cut after its head had come, or lost before it."""
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": "hi"}],
            "max_tokens": tokens,
            "stream": stream,
        }
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", replicas.SESSION: session}
        begun = False
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience_s)) as connection:
                connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
                answer = connection.getresponse()
                begun = answer.status == 200
                text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self.said.append(repr(error))
            return "cut" if begun else "lost"
        done = text.rstrip().endswith("[DONE]") if stream else "choices" in text
        self.said.append(f"{answer.status} {text[:200]}")
        return "whole" if begun and done else "cut" if begun else "lost"

    @contextmanager
    def load(self, clients: int = 8, tokens: int = 20) -> Iterator[None]:
        """Clients that ask one after the other, every second one for a stream, until the block ends."""

        def ask(number: int) -> None:
            self.outcomes.append(self.ask(stream=number % 2 == 0, tokens=tokens))

        with again_and_again(ask, clients):
            time.sleep(1)
            yield


def nothing_cut(clients: Clients, more_than: int) -> None:
    """Every request got a whole answer: none was cut, reset or refused."""
    counted = Counter(clients.outcomes)
    assert set(counted) == {"whole"}, (counted, [one for one in clients.said if not one.startswith("200")])
    assert counted["whole"] > more_than


@dataclass(kw_only=True)
class Site(Clients):
    """A folder with two engines and the gateway, all up."""

    deployment: Deployment
    versions: Path
    engines: tuple[int, int]

    def pid(self, name: str) -> int:
        """The process of an engine, as run.sh wrote it down."""
        return int((self.deployment.folder / "state" / f"{name}.pid").read_text())

    def served(self) -> list[int]:
        """Requests that each engine has taken."""
        counts = []
        for port in self.engines:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("GET", "/metrics")
                page = connection.getresponse().read().decode()
            counts.append(int(float(page.split("generation_tokens_total")[1].split()[1])))
        return counts

    def versions_now(self) -> list[str]:
        """Which version each engine is."""
        environs = [Path(f"/proc/{self.pid(name)}/environ").read_bytes().decode() for name in ("engine", "engine-2")]
        return [next(p for p in each.split("\0") if p.startswith("ENGINE_IS=")).split("=")[1] for each in environs]


def two_free() -> int:
    """A port that was free a moment ago, and so was the next."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Two engines of version 99.0 behind a real Caddy; stopped at the end whatever happened."""
    versions, first, port, front = tmp_path / "versions", tmp_path / "bin", two_free(), two_free()
    first.mkdir()
    (first / "vllm").symlink_to(program(versions, "99.0"))
    (first / "caddy").symlink_to(tool("caddy"))
    made = Deployment(on_port(planned(), port), tmp_path / "deploy here", first)
    (made.folder / ".env").write_text(
        f"ADVISOR_API_KEY={KEY}\nADVISOR_PORT={front}\nADVISOR_METRICS_PORT={front + 1}\n"
    )
    try:
        started = made.call("run.sh")
        assert started.returncode == 0, started.stderr
        yield Site(port=front, deployment=made, versions=versions, engines=(port, port + 1))
    finally:
        made.call("stop.sh")


@pytest.mark.external
def test_one_killed_under_load(site: Site) -> None:
    """No request is lost that had not begun to answer; run.sh brings back what ended, alone, and stop.sh ends them all."""
    other, dead = site.pid("engine-2"), site.pid("engine")
    with site.load():
        os.killpg(dead, signal.SIGKILL)
        time.sleep(3)
        again = site.deployment.call("run.sh")
        assert again.returncode == 0 and "starting again: engine;" in again.stderr, again.stderr
        time.sleep(11)  # until the gateway asks it again
    counted = Counter(site.outcomes)
    assert counted["lost"] == 0 and counted["whole"] > 50, counted
    assert counted["cut"] <= 4, "only streams that had begun at the killed engine"
    assert site.pid("engine-2") == other and site.pid("engine") != dead
    assert all(count > 0 for count in site.served()), "both serve again"
    both = [site.pid("engine"), site.pid("engine-2")]
    assert site.deployment.call("stop.sh").returncode == 0
    assert not any(alive(pid) for pid in both)


@pytest.mark.external
def test_one_after_the_other(site: Site) -> None:
    """A restart, another version and the way back cut no answer; a version that does not start leaves things as they were."""
    update: Callable[..., subprocess.CompletedProcess[str]] = site.deployment.call
    before = site.pid("engine"), site.pid("engine-2")
    with site.load():
        assert update("update.sh", "--restart").returncode == 0
        assert site.pid("engine") != before[0] and site.pid("engine-2") != before[1]
        changed = update("update.sh", str(program(site.versions, "99.1")))
        assert changed.returncode == 0 and site.versions_now() == ["99.1", "99.1"], changed.stderr
        broken = update("update.sh", str(program(site.versions, "99.2", broken="echo out of memory; exit 3; ")))
        assert broken.returncode == 1 and "nothing was changed" in broken.stderr, broken.stderr
        assert site.versions_now() == ["99.1", "99.1"]
        back = update("update.sh", "--back")
        assert back.returncode == 0 and site.versions_now() == ["99.0", "99.0"], back.stderr
    nothing_cut(site, more_than=50)


@pytest.mark.external
def test_a_conversation_stays_where_its_cache_is(site: Site) -> None:
    """Requests of one session meet one engine, many sessions meet both, without one both are used; an engine that is gone
    hands its conversations on, without one that is lost.
    """
    before = site.served()
    assert {site.ask(stream=False, tokens=2, session="one") for _ in range(6)} == {"whole"}
    grown = [now - then for now, then in zip(site.served(), before, strict=True)]
    assert sorted(grown) == [0, 6]
    for number in range(16):
        site.ask(stream=False, tokens=2, session=f"conversation {number}")
    assert all(now - then > g for now, then, g in zip(site.served(), before, grown, strict=True))
    with site.load(clients=4):
        middle = site.served()
        time.sleep(1)
    assert all(now > then for now, then in zip(site.served(), middle, strict=True))
    os.killpg(site.pid(("engine", "engine-2")[grown.index(6)]), signal.SIGKILL)
    assert {site.ask(stream=False, tokens=2, session="one") for _ in range(4)} == {"whole"}


@pytest.mark.external
def test_no_key_no_start(tmp_path: Path) -> None:
    """Several engines are one service only behind the gateway, so run.sh asks for its key before it starts anything."""
    made = Deployment(planned(), tmp_path, tmp_path)
    refused = made.call("run.sh")
    assert refused.returncode == 1 and "ADVISOR_API_KEY" in refused.stderr
    assert not list((made.folder / "state").glob("*.pid")) if (made.folder / "state").exists() else True


@pytest.mark.external
@pytest.mark.parametrize(
    "parts", [("native", "gateway", "replicas"), ("compose", "native", "gateway", "keys", "monitoring", "replicas")]
)
def test_the_files_are_clean(tmp_path: Path, parts: tuple[str, ...]) -> None:
    """shellcheck, Compose and Caddy find nothing in the files of two and of eight replicas."""
    for gpu in ("2x RTX 4090", "8x RTX 4090"):
        folder = Deployment(replace(planned(gpu), parts=parts), tmp_path / gpu, tmp_path).folder
        words = [[tool("shellcheck"), "-S", "style", "--exclude=SC2016,SC1112", *(p.name for p in folder.glob("*.sh"))]]
        words.append([tool("caddy"), "validate", "--config", "gateway/Caddyfile", "--adapter", "caddyfile"])
        if "compose" in parts:
            words.append([tool("docker-compose"), "--profile", "*", "config", "--quiet"])
        for each in words:
            done = subprocess.run(
                each, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"ADVISOR_API_KEY": KEY}
            )
            assert done.returncode == 0, done.stdout + done.stderr


def test_parts_that_name_no_replicas_have_one_process() -> None:
    """`--parts` is the way to one process with all replicas."""
    plan = planned(parts="gateway,monitoring")
    assert "replicas" not in parts_of(plan) and "--data-parallel-size" in texts(plan)["run.sh"]
